"""From a folder of `.cedar` files and one `.cedarschema` to policies, or to all that is wrong.

Every policy needs an `@id`, which no other has, and a `@description`; a `permit` names the
decisions it is about, so that nothing is permitted by the way.
https://docs.cedarpolicy.com/policies/syntax-policy.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cedarpy import PolicySet, Schema, pst, validate_policies

from contract.context import Caller
from gateway.authorization.policies import Effect, Policies, Statement
from gateway.authorization.roles import RoleMap, RoleMaps
from gateway.settings import SettingsError

_TOKENS: Final = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;|\s+|[^\s"/;]+|.', re.DOTALL)
_OURS: Final = re.compile(r"^for policy `policy\d+`[,:] ")
_PROBE: Final = Caller("probe", organization="probe", scopes=("probe",))


@dataclass(frozen=True, slots=True)
class Problem:
    place: str
    """`policies.cedar:12`"""
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.mend}"


class PoliciesRefusedError(SettingsError):
    """The files cannot be used; the message has a line for each problem."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Source:
    """One policy as it is written."""

    place: str
    text: str


def read_policies(folder: Path) -> Policies:
    """Raises `PoliciesRefusedError`."""
    schema = _read_schema(folder)
    sources = [source for path in _files(folder, ".cedar") for source in _sources(path)]
    problems: list[Problem] = []
    statements: list[Statement] = []
    for source in sources:
        found = _statement(source)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        problems += _check(found, statements)
        problems += _validate(source, schema)
        statements.append(found)
    if not sources:
        problems.append(Problem(str(folder), "No policy is in it.", "Write a .cedar file."))
    if problems:
        raise PoliciesRefusedError(*problems)
    text = "\n".join(source.text for source in sources)
    policies = Policies(schema, PolicySet.from_str(text), tuple(statements))
    _probe(policies, folder)
    return policies


def check_roles(policies: Policies, roles: RoleMaps) -> None:
    """Raises `PoliciesRefusedError` for roles and purposes that no policy could name."""
    problems = tuple(
        Problem(
            f"roles of {issuer}",
            f'The {kind.lower()} "{name}" is not declared in the policies\' schema.',
            "Declare it there, or correct it here.",
        )
        for issuer, each in roles.items()
        for kind, name in _named(each)
        if not policies.declares(kind, name)
    )
    if problems:
        raise PoliciesRefusedError(*problems)


def _named(roles: RoleMap) -> Iterator[tuple[str, str]]:
    purposes = [roles.without_role or (), *(role.purposes for role in roles.roles.values())]
    yield from (("Role", name) for name in roles.roles)
    yield from (("Purpose", name) for name in dict.fromkeys(itertools.chain(*purposes)))


def _read_schema(folder: Path) -> Schema:
    files = _files(folder, ".cedarschema")
    if len(files) != 1:
        told = f"It has {len(files)} files .cedarschema."
        raise PoliciesRefusedError(Problem(str(folder), told, "Let there be one."))
    (path,) = files
    try:
        return Schema.from_str(_read(path))
    except ValueError as error:
        mend = "See https://docs.cedarpolicy.com/schema/human-readable-schema.html."
        raise PoliciesRefusedError(Problem(path.name, f"{error}.", mend)) from None


def _files(folder: Path, ending: str) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(ending))
    except OSError:
        mend = "Name the folder with the policies."
        raise PoliciesRefusedError(Problem(str(folder), "It cannot be read.", mend)) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        problem = Problem(path.name, "It cannot be read.", "Write it in UTF-8.")
        raise PoliciesRefusedError(problem) from None


def _sources(path: Path) -> Iterator[_Source]:
    """The policies of a file one by one, since Cedar tells no place of what it cannot read."""
    start: int | None = None
    text = _read(path)
    for token in _TOKENS.finditer(text):
        blank = token[0].isspace() or token[0].startswith("//")
        if start is None and not blank:
            start = token.start()
        if token[0] == ";" and start is not None:
            yield _source(path, text, start, token.end())
            start = None
    if start is not None:
        yield _source(path, text, start, len(text))


def _source(path: Path, text: str, start: int, end: int) -> _Source:
    return _Source(f"{path.name}:{text.count(chr(10), 0, start) + 1}", text[start:end])


def _statement(source: _Source) -> Statement | Problem:
    try:
        parsed = PolicySet.from_str(source.text).to_pst()
    except ValueError as error:
        mend = "See https://docs.cedarpolicy.com/policies/syntax-policy.html."
        return Problem(source.place, f"{error}.", mend)
    if parsed.templates:
        return Problem(source.place, "A template decides nothing.", "Write a policy without slots.")
    (policy,) = parsed.static_policies.values()
    return Statement(
        policy.annotations.get("id", ""),
        policy.annotations.get("description", ""),
        Effect(policy.effect),
        _decisions(policy.action),
        source.place,
    )


def _decisions(action: pst.ActionConstraint) -> frozenset[str]:
    match action:
        case pst.ActionEq(entity):
            return frozenset({entity.id})
        case pst.ActionIn(entities):
            return frozenset(each.id for each in entities)
    return frozenset()


def _check(statement: Statement, others: Sequence[Statement]) -> Iterator[Problem]:
    place = statement.place
    if not statement.id:
        yield Problem(place, "It has no @id.", 'Begin it with @id("what-it-is-called").')
    if not statement.description:
        mend = 'Begin it with @description("what it says, in plain words").'
        yield Problem(place, "It has no @description.", mend)
    for other in others:
        if other.id == statement.id and statement.id:
            yield Problem(place, f"Its @id is that of {other.place}.", "Give it one of its own.")
    if statement.effect is Effect.PERMIT and not statement.decisions:
        mend = 'Write action == Action::"…".'
        yield Problem(place, "It permits without saying which decision.", mend)


def _validate(source: _Source, schema: Schema) -> Iterator[Problem]:
    for error in validate_policies(source.text, schema).errors:
        message = _OURS.sub("", error.error).replace("`", '"')
        yield Problem(source.place, f"{message}.", "Declare it in the schema, or correct it.")


def _probe(policies: Policies, folder: Path) -> None:
    """Whether the schema's caller is the one we give: else every decision would be refused."""
    faults = (fault for name in policies.decisions for fault in policies.rule(_PROBE, name).faults)
    found = next(faults, None)
    if found is not None:
        told = f"Its schema does not fit the callers there are: {found.rpartition(': ')[2]}."
        mend = "Declare Caller, Role, Purpose and Graph as docs/authorization.md shows them."
        raise PoliciesRefusedError(Problem(str(folder), told, mend))
