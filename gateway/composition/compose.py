"""Composing: subgraph SDLs in, a supergraph or every reason against it out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, Source, parse

from gateway.composition.contracts import Contract, apply_contract, unused_tags
from gateway.composition.facts import Facts
from gateway.composition.hints import find_hints
from gateway.composition.merge.supergraph import merge_subgraphs
from gateway.composition.printer import print_supergraph
from gateway.composition.problems import CompositionError, Hint, Location, Problem, problem
from gateway.composition.read import ParsedSubgraph, parse_links, read_subgraph
from gateway.composition.rules import (
    API_RULES,
    DOCUMENT_RULES,
    MERGED_RULES,
    MERGING_RULES,
    NAMING_RULES,
    SUBGRAPH_RULES,
    UPGRADE_RULES,
    UPGRADED_RULES,
    WALKING_RULES,
    SubgraphRule,
)
from gateway.composition.schema import Subgraph
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.upgrade import upgrade

# Beyond any schema people write; what is larger is refused before it eats the machine.
MAX_CHARACTERS = 4_000_000
MAX_NESTING = 100

# Block strings, strings and comments.
_TEXTS = re.compile(r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|#[^\n]*')


@dataclass(frozen=True, slots=True)
class SubgraphInput:
    name: str
    url: str
    sdl: str


@dataclass(frozen=True, slots=True)
class Composed:
    """`sdl` is a supergraph schema of join specification v0.5."""

    sdl: str
    hints: tuple[Hint, ...]


def compose(subgraphs: Sequence[SubgraphInput], contract: Contract | None = None) -> Composed:
    """The same subgraphs give the same text, in whatever order they come.

    Raise `CompositionError` with all problems found. A contract is only asked for of subgraphs
    that compose without it.
    """
    ordered = sorted(subgraphs, key=lambda subgraph: subgraph.name)
    supergraph = merge_subgraphs(_upgraded(_read(ordered)))
    for rules in (NAMING_RULES, MERGING_RULES, MERGED_RULES, API_RULES, WALKING_RULES):
        _refuse(found for rule in rules for found in rule(supergraph))
    hints = find_hints(supergraph)
    if contract is not None:
        hints += tuple(unused_tags(supergraph, contract))
        supergraph = apply_contract(supergraph, contract)
        # What was satisfiable stays so when less can be asked for; what is shown must still fit.
        _refuse(found for rule in API_RULES for found in rule(supergraph))
    return Composed(print_supergraph(supergraph), hints)


def _read(given: Sequence[SubgraphInput]) -> list[Subgraph]:
    problems = list(_unfit(given))
    read: list[Subgraph] = []
    for subgraph in given:
        try:
            document = _parse(subgraph)
        except _Unreadable as unreadable:
            problems.append(unreadable.problem)
            continue
        one = parse_links(subgraph.name, subgraph.url, document)
        found = _first_objections(one)
        if not found:
            read.append(read_subgraph(one))
            # Federation 1 is judged by what its upgrade says.
            found = _objections(read[-1], SUBGRAPH_RULES) if one.version else []
        problems += found
    _refuse(problems)
    return read


def _upgraded(read: list[Subgraph]) -> Subgraphs:
    _refuse(found for rule in UPGRADE_RULES for found in rule(read))
    upgraded = [upgrade(subgraph, read) for subgraph in read]
    _refuse(
        found
        for before, after in zip(read, upgraded, strict=True)
        if before.version is None
        for found in _objections(after, UPGRADED_RULES) or _objections(after, SUBGRAPH_RULES)
    )
    return Subgraphs(upgraded)


def _objections(subgraph: Subgraph, rules: Iterable[SubgraphRule]) -> list[Problem]:
    facts = Facts(subgraph)
    return [found for rule in rules for found in rule(facts)]


def _unfit(given: Sequence[SubgraphInput]) -> Iterator[Problem]:
    if not given:
        yield problem("NO_QUERIES", "There is no subgraph to compose")
    for name, count in Counter(subgraph.name for subgraph in given).items():
        if count > 1:
            message = f'{count} subgraphs are named "{name}"'
            yield problem("INVALID_SUBGRAPH_NAME", message, name)


def _first_objections(parsed: ParsedSubgraph) -> list[Problem]:
    """The problems of the first rule that finds any."""
    for rule in DOCUMENT_RULES:
        found = list(rule(parsed))
        if found:
            return found
    return []


class _Unreadable(Exception):
    def __init__(self, found: Problem) -> None:
        self.problem = found


def _parse(subgraph: SubgraphInput) -> DocumentNode:
    if len(subgraph.sdl) > MAX_CHARACTERS:
        message = f"The SDL is longer than {MAX_CHARACTERS:,} characters"
        raise _Unreadable(problem("INVALID_GRAPHQL", message, subgraph.name))
    if _nesting(subgraph.sdl) > MAX_NESTING:
        message = f"The SDL nests deeper than {MAX_NESTING} levels"
        raise _Unreadable(problem("INVALID_GRAPHQL", message, subgraph.name))
    try:
        return parse(Source(subgraph.sdl, subgraph.name))
    except GraphQLError as error:
        found = problem("INVALID_GRAPHQL", error.message, subgraph.name)
        place = error.locations[0] if error.locations else None
        location = Location(place.line, place.column) if place else None
        raise _Unreadable(
            Problem(found.code, found.message, found.subgraph, location, found.mend)
        ) from None


def _nesting(sdl: str) -> int:
    """How deep brackets go outside of texts and comments, told without recursion."""
    deepest = depth = 0
    for bracket in re.findall(r"[{}\[\]()]", _TEXTS.sub("", sdl)):
        if bracket in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth = max(0, depth - 1)
    return deepest


def _refuse(problems: Iterable[Problem]) -> None:
    found = tuple(dict.fromkeys(problems))
    if found:
        raise CompositionError(found)
