"""Composing: subgraph SDLs in, a supergraph or every reason against it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import parse

from gateway.composition.merge.supergraph import merge_subgraphs
from gateway.composition.printer import print_supergraph
from gateway.composition.problems import Hint
from gateway.composition.read import parse_links, read_subgraph
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.upgrade import upgrade


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


def compose(subgraphs: Sequence[SubgraphInput]) -> Composed:
    """The same subgraphs give the same text, in whatever order they come.

    Raise `CompositionError` with all problems found.
    """
    read = [
        read_subgraph(parse_links(given.name, given.url, parse(given.sdl))) for given in subgraphs
    ]
    supergraph = merge_subgraphs(Subgraphs([upgrade(one, read) for one in read]))
    return Composed(print_supergraph(supergraph), ())
