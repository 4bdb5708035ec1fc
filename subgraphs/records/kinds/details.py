"""What several kinds compare alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from subgraphs.runtime.fhir import CodeableConcept
from subgraphs.runtime.kinds import Detail
from subgraphs.runtime.moments import moments_agree


def code_of(concept: CodeableConcept | None) -> str | None:
    return concept.code if concept else None


def status(path: str, read: Callable[[Any], CodeableConcept | None]) -> Detail[Any]:
    return Detail(path, lambda record: code_of(read(record)))


def moment(path: str, read: Callable[[Any], str | None]) -> Detail[Any]:
    return Detail(path, read, agree=moments_agree)
