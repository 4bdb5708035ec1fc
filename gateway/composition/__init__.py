"""Composing subgraphs into a supergraph: pure, and complete in what it reports."""

from gateway.composition.compose import Composed, SubgraphInput, compose
from gateway.composition.contracts import Contract
from gateway.composition.problems import CompositionError, Hint, Location, Problem

__all__ = [
    "Composed",
    "CompositionError",
    "Contract",
    "Hint",
    "Location",
    "Problem",
    "SubgraphInput",
    "compose",
]
