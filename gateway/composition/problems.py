"""What composing reports: problems that refuse a supergraph, and hints that come with one."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import Node

from gateway.composition.mends import mend


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the SDL of a subgraph, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` is the code Apollo's composition uses for the same mistake."""

    code: str
    message: str
    subgraph: str | None
    location: Location | None
    mend: str

    def __str__(self) -> str:
        place = f"{self.subgraph or 'all subgraphs'}"
        if self.location:
            place += f":{self.location.line}:{self.location.column}"
        return f"{self.code} [{place}] {self.message}"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that composes, but perhaps not as meant. `coordinate` names the element."""

    code: str
    message: str
    coordinate: str


class CompositionError(Exception):
    """The subgraphs do not compose; `problems` holds every reason that could be found at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def problem(
    code: str, message: str, subgraph: str | None = None, node: Node | None = None
) -> Problem:
    return Problem(code, message, subgraph, locate(node), mend(code))


def locate(node: Node | None) -> Location | None:
    if node is None or node.loc is None:
        return None
    # The token knows; `get_location` would read the source from its start for each problem.
    return Location(node.loc.start_token.line, node.loc.start_token.column)


def names(subgraphs: list[str] | tuple[str, ...]) -> str:
    """`subgraph "a"`, or `subgraphs "a", "b" and "c"`."""
    quoted = [f'"{name}"' for name in subgraphs]
    if len(quoted) == 1:
        return f"subgraph {quoted[0]}"
    return f"subgraphs {', '.join(quoted[:-1])} and {quoted[-1]}" if quoted else "no subgraph"
