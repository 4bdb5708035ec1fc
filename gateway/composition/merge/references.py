"""Merging the type of a field or argument: the widest of outputs, the narrowest of inputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.composition.types import IsPossible, TypeReference, is_strict_subtype


@dataclass(frozen=True, slots=True)
class MergedReference:
    """`equal`: all subgraphs agree. `compatible`: they can at least be reconciled."""

    type: TypeReference
    equal: bool
    compatible: bool


def merge_references(
    references: Iterable[TypeReference], is_possible: IsPossible, *, is_input: bool
) -> MergedReference:
    merged: TypeReference | None = None
    equal = compatible = True
    for reference in references:
        if merged is None or merged == reference:
            merged = reference
        elif is_strict_subtype(merged, reference, is_possible):
            equal = False
            merged = reference if is_input else merged
        elif is_strict_subtype(reference, merged, is_possible):
            equal = False
            merged = merged if is_input else reference
        else:
            equal = compatible = False
    assert merged is not None, "a field or argument comes from somewhere"
    return MergedReference(merged, equal, compatible)
