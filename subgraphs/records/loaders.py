"""How a patient's records are loaded."""

from __future__ import annotations

from collections.abc import Mapping

from subgraphs.records.kinds import ALLERGIES, CONDITIONS, ENCOUNTERS, IMMUNIZATIONS, PROCEDURES
from subgraphs.records.model import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.records.sources import RecordSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request

Records = Mapping[str, RecordSource]
"""The subgraph's sources, by id."""


async def load_encounters(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Encounter]]:
    ask = {name: source.encounters for name, source in request.services.items()}
    return await load_facts(request, ENCOUNTERS, ask, patient)


async def load_conditions(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Condition]]:
    ask = {name: source.conditions for name, source in request.services.items()}
    return await load_facts(request, CONDITIONS, ask, patient)


async def load_allergies(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[AllergyIntolerance]]:
    ask = {name: source.allergies for name, source in request.services.items()}
    return await load_facts(request, ALLERGIES, ask, patient)


async def load_procedures(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Procedure]]:
    ask = {name: source.procedures for name, source in request.services.items()}
    return await load_facts(request, PROCEDURES, ask, patient)


async def load_immunizations(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Immunization]]:
    ask = {name: source.immunizations for name, source in request.services.items()}
    return await load_facts(request, IMMUNIZATIONS, ask, patient)
