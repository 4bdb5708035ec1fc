"""What a FHIR server does besides the interactions. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.fhir.access import Letter
from sandbox.fhir.interactions import Answer


@dataclass(frozen=True, slots=True)
class Operation:
    """`POST Type/$name`, and the right on the type that it takes."""

    letter: Letter
    do: Callable[[bytes], Answer]
