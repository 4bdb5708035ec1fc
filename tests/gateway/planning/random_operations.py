"""Random operations that are valid against a schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_input_field,
)

FLAGS = {"yes": True, "no": False}


@dataclass
class OperationMaker:
    schema: GraphQLSchema
    random: Random
    depth: int = 4
    size: int = 40
    flags: set[str] = field(default_factory=set)

    def make(self, kind: str = "query") -> tuple[str, dict[str, bool]]:
        self.flags = set()
        left = [self.size]
        root = getattr(self.schema, f"{kind}_type")
        if kind == "subscription":
            selections = f"{{ {self._only_field(root, left)} }}"
        else:
            selections = self._selections(root, self.depth, left)
        head = ", ".join(f"${name}: Boolean!" for name in sorted(self.flags))
        text = f"{kind}{f'({head})' if head else ''} {selections}"
        return text, {name: FLAGS[name] for name in self.flags}

    def _only_field(self, root: Any, left: list[int]) -> str:
        """https://spec.graphql.org/draft/#sec-Single-Root-Field"""
        name = self.random.choice(sorted(root.fields))
        # Neither may it depend on a condition.
        return self._field(name, root.fields[name], self.depth, left, conditional=False)

    def _selections(self, type_: Any, depth: int, left: list[int]) -> str:
        parts = []
        fields = getattr(type_, "fields", {})
        usable = [
            name
            for name, each in fields.items()
            if depth > 1 or not is_composite_type(get_named_type(each.type))
        ]
        for name in self.random.sample(usable, min(len(usable), self.random.randint(1, 4))):
            left[0] -= 1
            if left[0] > 0:
                parts.append(self._field(name, fields[name], depth, left))
        if is_abstract_type(type_) and depth > 0:
            others = [
                other
                for other in self.schema.type_map.values()
                if (is_object_type(other) or is_abstract_type(other))
                and not other.name.startswith("__")
                and self._overlap(type_, other)
            ]
            for other in self.random.sample(others, min(len(others), 2)):
                inner = self._selections(other, depth - 1, left)
                parts.append(f"... on {other.name}{self._condition()} {inner}")
        if self.random.random() < 0.2 or not parts:
            parts.append("__typename")
        self.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def _overlap(self, one: Any, other: Any) -> bool:
        return bool(self._possible(one) & self._possible(other))

    def _possible(self, type_: Any) -> set[str]:
        if is_abstract_type(type_):
            return {each.name for each in self.schema.get_possible_types(type_)}
        return {type_.name}

    def _field(
        self,
        name: str,
        definition: Any,
        depth: int,
        left: list[int],
        *,
        conditional: bool = True,
    ) -> str:
        arguments = ", ".join(
            f"{argument}: {self._value(each.type)}"
            for argument, each in definition.args.items()
            if is_non_null_type(each.type) or self.random.random() < 0.5
        )
        text = f"{name}({arguments})" if arguments else name
        # Every way to say it has a key of its own, or merging would forbid the operation.
        kind = f"{definition.type}".translate(str.maketrans({"[": "l", "]": "_", "!": "n"}))
        if arguments or self.random.random() < 0.3:
            text = f"{name}_{kind}_{self.random.randint(0, 10**6)}: {text}"
        text += self._condition() if conditional else ""
        type_ = get_named_type(definition.type)
        return (
            f"{text} {self._selections(type_, depth - 1, left)}"
            if is_composite_type(type_)
            else text
        )

    def _condition(self) -> str:
        if self.random.random() > 0.12:
            return ""
        flag = self.random.choice(sorted(FLAGS))
        self.flags.add(flag)
        return f" @{self.random.choice(['include', 'skip'])}(if: ${flag})"

    def _value(self, type_: Any) -> str:
        type_ = get_nullable_type(type_)
        if is_list_type(type_):
            return f"[{self._value(type_.of_type)}]"
        if is_enum_type(type_):
            return self.random.choice(sorted(type_.values))
        if is_input_object_type(type_):
            fields = ", ".join(
                f"{name}: {self._value(each.type)}"
                for name, each in type_.fields.items()
                # What has a default may contain its own type without end.
                if is_required_input_field(each)
            )
            return f"{{{fields}}}"
        match type_.name:
            case "Int" | "Float":
                return str(self.random.randint(0, 9))
            case "Boolean":
                return "true"
            case _:
                return f'"{self.random.randint(0, 9)}"'
