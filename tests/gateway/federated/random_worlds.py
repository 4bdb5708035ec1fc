"""Drawing worlds, and operations to ask them, from a source of chance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random
from typing import Any

from tests.gateway.federated.kit import Row
from tests.gateway.federated.worlds import (
    NAMED,
    FieldSpec,
    TypeSpec,
    World,
    compute,
    key_fields,
)

ROWS = 3
KEYS = (("id",), ("id",), ("id",), ("id", "code"), ("id", "code tag { no }"), ("id", "tag { no }"))


def build_world(random: Random) -> World:
    subgraphs = tuple("abcd"[: random.randint(2, 4)])
    names = [f"T{number}" for number in range(random.randint(1, 3))]
    named_home = random.choice(subgraphs)
    # By the rules, who knows the interface as one object knows none of its types.
    extra_home = random.choice([None, "x"])
    types = {name: _build_type(name, names, subgraphs, named_home, random) for name in names}
    _mention(types, random)
    _provide(types, random)
    world = World(
        (*subgraphs, extra_home) if extra_home else subgraphs,
        types,
        {name: _some(list(types[name].keys), random) for name in names},
        named_home,
        extra_home,
    )
    if random.random() < 0.6:
        _give_context(world, random)
    _fill(world, random)
    return world


def build_query(world: World, random: Random) -> str:
    """A document with the variables `$yes` and `$no`, and now and then `$two`, which is 2."""
    roots = [f"all{name}" for name in world.types] + ["named", "anything"]
    targets = dict(zip(roots, [*world.types, NAMED, "Anything"], strict=True))
    if world.extra_home:
        roots.append("extras")
        targets["extras"] = NAMED
    asked = [random.choice(roots) for _ in range(random.randint(1, 3))]
    selections = [f"{root} {_select(world, targets[root], 3, random)}" for root in asked]
    body, fragments = _name_fragments(" ".join(selections), random)
    variables = "$yes: Boolean!, $no: Boolean!"
    if "$two" in body + fragments:
        variables += ", $two: Int = 2"
    return (
        f"query ({variables}) {{ {body} __typename @include(if: $yes) @skip(if: $no) }} {fragments}"
    )


def _name_fragments(selections: str, random: Random) -> tuple[str, str]:
    """Give a name to half of the innermost fragments; what is left, and their definitions."""
    definitions: list[str] = []

    def name(inline: re.Match[str]) -> str:
        if random.random() < 0.5:
            return inline[0]
        definitions.append(f"fragment F{len(definitions)} on {inline[1]} {inline[2]}")
        return f"...F{len(definitions) - 1}"

    return re.sub(r"\.\.\. on (\w+) +(\{[^{}]*\})", name, selections), " ".join(definitions)


def _build_type(
    name: str, names: list[str], subgraphs: tuple[str, ...], named_home: str, random: Random
) -> TypeSpec:
    fields = {"common": FieldSpec("common", tuple({named_home, random.choice(subgraphs)}))}
    for number in range(random.randint(1, 4)):
        spec = FieldSpec(f"f{number}", _some(subgraphs, random), argument=random.random() < 0.2)
        fields[spec.name] = spec
    for number in range(random.randint(0, 2)):
        owners = _some(subgraphs, random)
        # Lists have names of their own: one key has one shape on every member of a union.
        lists = random.choice([0, 0, 1, 1, 2])
        field_name = f"{'rln'[lists]}{number}"
        fields[field_name] = FieldSpec(field_name, owners, random.choice(names), lists=lists)
    for number in range(random.randint(0, 2)):
        owner = random.choice(subgraphs)
        needed = [each.name for each in fields.values() if owner not in each.owners]
        if needed:
            fields[f"q{number}"] = FieldSpec(f"q{number}", (owner,), requires=random.choice(needed))
    _override(fields, subgraphs, random)
    homes = {owner for spec in fields.values() for owner in spec.owners}
    homes |= {spec.overrides for spec in fields.values() if spec.overrides}
    keys = {home: random.choice(KEYS) for home in sorted(homes)}
    if len(homes) > 1 and random.random() < 0.5:
        # One subgraph knows the type by its code alone, and another one knows both keys.
        only_code, both = random.sample(sorted(homes), 2)
        if only_code != named_home:
            lone = random.choice(["code", "tag { no }", "code tag { no }"])
            keys |= {only_code: (lone,), both: ("id", lone)}
    return TypeSpec(name, fields, keys)


def _override(fields: dict[str, FieldSpec], subgraphs: tuple[str, ...], random: Random) -> None:
    """Some fields have moved here from a subgraph that still has them."""
    for spec in fields.values():
        plain = not (spec.target or spec.argument or spec.requires) and len(spec.owners) == 1
        needing = {owner for q in fields.values() if q.requires == spec.name for owner in q.owners}
        former = [name for name in subgraphs if name not in {*spec.owners, *needing}]
        if plain and spec.name != "common" and former and random.random() < 0.25:
            spec.overrides = random.choice(former)
            # Composers refuse what requires a field while two subgraphs may have it.
            spec.label = None if needing else random.choice([None, "soon", "later"])


def _mention(types: dict[str, TypeSpec], random: Random) -> None:
    """Who has a field that leads to a type, or requires one that does, has to know a key of it."""
    homes = {type_.name: set(type_.keys) for type_ in types.values()}
    for type_ in types.values():
        for spec in type_.fields.values():
            target = spec.target or (spec.requires and type_.fields[spec.requires].target)
            for owner in spec.owners if target else ():
                types[target].keys.setdefault(owner, ("id",))
    for type_ in types.values():
        strangers = sorted(set(type_.keys) - homes[type_.name])
        type_.stubs = {name for name in strangers if random.random() < 0.9}


def _provide(types: dict[str, TypeSpec], random: Random) -> None:
    for type_ in types.values():
        for spec in type_.fields.values():
            if spec.target and len(spec.owners) == 1 and random.random() < 0.3:
                there = [
                    each.name
                    for each in types[spec.target].fields.values()
                    if not (each.target or each.argument or each.requires or each.label)
                    and spec.owners[0] not in (*each.owners, each.overrides)
                ]
                spec.provides = random.choice(there) if there else None


def _give_context(world: World, random: Random) -> None:
    """A field that tells what is around it; its value can be had whatever is."""
    homes = [(t, name) for t in world.types.values() for name in t.keys if name not in t.stubs]
    known = [(type_, name) for type_, name in homes if "id" in key_fields(type_.keys[name])]
    if not known:
        return
    type_, home = random.choice(known)
    type_.fields["c0"] = FieldSpec("c0", (home,), contextual=True)
    world.context_home = home
    world.setters = tuple(
        each.name
        for each in world.types.values()
        if each is not type_ and "id" in key_fields(each.keys.get(home, ()))
    )


def _fill(world: World, random: Random) -> None:
    for name in world.types:
        world.rows[name] = [
            {
                "__typename": name,
                "id": f"{name}-{n}",
                "code": f"{name}#{n}",
                "tag": {"no": f"{name}/{n}"},
                "extra": f"x{name}{n}",
            }
            for n in range(ROWS)
        ]
    specs = [
        (row, type_, spec)
        for name, type_ in world.types.items()
        for row in world.rows[name]
        for spec in type_.fields.values()
    ]
    for row, _, spec in specs:
        if not (spec.requires or spec.contextual):
            row[spec.name] = _value(world, spec, row, random)
    for row, type_, spec in specs:
        if spec.requires:
            row[spec.name] = compute(spec, type_.fields[spec.requires], row[spec.requires])


def _value(world: World, spec: FieldSpec, row: Row, random: Random) -> Any:
    if not spec.target:
        return random.choice([f"{row['id']}.{spec.name}", f"{row['id']}.{spec.name}", None])
    return _nested([*world.rows[spec.target], None], spec.lists, random)


def _nested(choices: list[Row | None], lists: int, random: Random) -> Any:
    if lists == 0:
        return random.choice(choices)
    return [_nested(choices, lists - 1, random) for _ in range(random.randint(0, 3))]


def _select(world: World, type_: str, depth: int, random: Random) -> str:
    """A selection set; one response key always means one field with one argument."""
    parts = ["__typename"] if random.random() < 0.3 else []
    if type_ in world.types:
        fields = world.types[type_].fields.values()
        chosen = [each for each in fields if random.random() < (0.9 if each.contextual else 0.5)]
        parts += [_select_field(world, spec, depth, random) for spec in chosen]
        parts += ["extra"] if world.extra_home and random.random() < 0.3 else []
    elif type_ == NAMED:
        parts += random.sample(["id", "common", *(["extra"] if world.extra_home else [])], 2)
    if type_ not in world.types or random.random() < 0.2:
        inner = [name for name in world.types if type_ in (name, NAMED, "Anything")]
        parts += [
            f"... on {name} {_condition(random)} {_select(world, name, depth, random)}"
            for name in inner
            if random.random() < 0.6
        ]
    return f"{{ {' '.join(parts) or 'code: __typename'} }}"


def _select_field(world: World, spec: FieldSpec, depth: int, random: Random) -> str:
    if spec.target:
        if depth == 0:
            return "id"
        return f"{spec.name} {_condition(random)} {_select(world, spec.target, depth - 1, random)}"
    if spec.argument:
        value = random.choice(["1", "2", "$two"])
        # One response key always means one argument.
        key = f"{spec.name}_{value.strip('$')}"
        return f"{key}: {spec.name}(n: {value}) {_condition(random)}"
    alias = f"x_{spec.name}: " if random.random() < 0.2 else ""
    return f"{alias}{spec.name} {_condition(random)}"


def _condition(random: Random) -> str:
    conditions = ["@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)", "@skip(if: $no)"]
    return random.choice(conditions) if random.random() < 0.15 else ""


def _some(items: Iterable[str], random: Random) -> tuple[str, ...]:
    """One of them, now and then two."""
    pool = sorted(items)
    return tuple(random.sample(pool, min(len(pool), random.choice([1, 1, 1, 2]))))


def break_some_fields(world: World, random: Random) -> None:
    """Of some rows; whoever is asked for one fails. Nothing else is made of such a field."""
    for type_ in world.types.values():
        needed = {spec.requires for spec in type_.fields.values()}
        provided = {spec.provides for each in world.types.values() for spec in each.fields.values()}
        for spec in type_.fields.values():
            plain = re.fullmatch(r"f\d", spec.name) and len(spec.owners) == 1 and not spec.argument
            if plain and not spec.overrides and spec.name not in needed | provided:
                for row in world.rows[type_.name]:
                    if random.random() < 0.4:
                        row[spec.name] = _fail


def _fail() -> None:
    raise ValueError
