"""How a patient's records are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from subgraphs.records.kinds import (
    ALLERGIES,
    CARE_PLANS,
    CONDITIONS,
    DEVICES,
    DOCUMENTS,
    ENCOUNTERS,
    FAMILY,
    GOALS,
    IMMUNIZATIONS,
    PROCEDURES,
    RESPONSES,
)
from subgraphs.records.sources import RecordSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.fact_fields import Load
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Ask, Gathered
from subgraphs.runtime.kinds import Kind, RecordT
from subgraphs.runtime.request import Request

Records: TypeAlias = Mapping[str, RecordSource]
"""The subgraph's sources, by id."""


def _loading(
    kind: Kind[RecordT], question: Callable[[RecordSource], Ask[RecordT]]
) -> Load[RecordT]:
    async def load(request: Request[Any], patient: Compartment) -> Gathered[Fact[RecordT]]:
        ask = {name: question(source) for name, source in request.services.items()}
        return await load_facts(request, kind, ask, patient)

    return load


load_encounters = _loading(ENCOUNTERS, lambda source: source.encounters)
load_conditions = _loading(CONDITIONS, lambda source: source.conditions)
load_allergies = _loading(ALLERGIES, lambda source: source.allergies)
load_procedures = _loading(PROCEDURES, lambda source: source.procedures)
load_immunizations = _loading(IMMUNIZATIONS, lambda source: source.immunizations)
load_care_plans = _loading(CARE_PLANS, lambda source: source.care_plans)
load_goals = _loading(GOALS, lambda source: source.goals)
load_devices = _loading(DEVICES, lambda source: source.devices)
load_family = _loading(FAMILY, lambda source: source.family)
load_documents = _loading(DOCUMENTS, lambda source: source.documents)
load_responses = _loading(RESPONSES, lambda source: source.responses)
