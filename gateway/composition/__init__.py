"""Composing subgraphs into a supergraph: pure, and complete in what it reports."""

from gateway.composition.compose import Composed, SubgraphInput, compose
from gateway.composition.problems import CompositionError, Hint, Location, Problem

__all__ = [
    "Composed",
    "CompositionError",
    "Hint",
    "Location",
    "Problem",
    "SubgraphInput",
    "compose",
]
