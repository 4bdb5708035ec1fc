"""Published messages say here what a reader finds in them; what is not read is refused by name."""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from subgraphs.connectors.errors import Unsupported
from subgraphs.connectors.hl7v2.adt import Admission, Prior
from subgraphs.connectors.hl7v2.documents import read_document
from subgraphs.connectors.hl7v2.oru import Code, Result, Results, StructuredNumber
from subgraphs.connectors.hl7v2.people import Identifier, PersonRecord, Visit
from subgraphs.connectors.hl7v2.siu import Appointment
from tests.shared_data import shared_data

EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "facts" / "expected.yaml").read_text()
)
FOLDER = ("hl7v2", "ms-fhir-converter")


@pytest.mark.shared_data
@pytest.mark.parametrize("name", EXPECTED)
def test_the_facts_of_a_published_message(name):
    message, document = read_document(shared_data(*FOLDER, name).read_bytes())
    assert {"event": message.event, "control": message.control_id, **facts(document)} == (
        EXPECTED[name]
    )


@pytest.mark.shared_data
def test_every_other_message_is_refused_by_name():
    others = {p.name: p for p in shared_data(*FOLDER).glob("*.hl7") if p.name not in EXPECTED}
    told = {}
    for name, path in others.items():
        with pytest.raises(Unsupported) as refused:
            read_document(path.read_bytes())
        told[name] = refused.value.name
    assert len(told) >= 40
    assert told["MDM-T02-01.hl7"] == "HL7 v2 MDM^T02"
    assert {name.split("^")[0] for name in told.values()} == {
        f"HL7 v2 {kind}"
        for kind in (
            "BAR",
            "DFT",
            "MDM",
            "OMG",
            "OML",
            "ORM",
            "OUL",
            "PPR",
            "RDE",
            "RDS",
            "REF",
            "VXU",
        )
    }


@singledispatch
def facts(document: object) -> dict[str, Any]:
    raise AssertionError(f"no facts are told of {type(document)}")


@facts.register
def _(admission: Admission) -> dict[str, Any]:
    records = []
    for record in admission.records:
        told = {
            "person": person(record.person),
            "ids": " ".join(f"{each.value}:{each.kind}" for each in record.person.identifiers),
            "visits": [visit(each) for each in record.visits],
            "priors": [prior(each) for each in record.priors],
        }
        records.append({name: value for name, value in told.items() if value})
    return {"recorded": when(admission.recorded_at), "records": records}


@facts.register
def _(results: Results) -> dict[str, Any]:
    reports = [
        {
            "report": words(each.filler, each.code.code, each.status),
            "results": [result(one) for one in each.results],
        }
        for each in results.reports
    ]
    return {"person": person(results.person), "reports": reports}


@facts.register
def _(appointment: Appointment) -> dict[str, Any]:
    (name, *_) = appointment.person.names
    return {
        "number": words(appointment.placer, appointment.filler),
        "reason": appointment.reason,
        "period": words(when(appointment.start), when(appointment.end)),
        "person": words(name.family, name.given),
        "services": [each.code for each in appointment.services],
        "locations": list(appointment.locations),
        "practitioners": [words(each.id, each.family) for each in appointment.practitioners],
    }


def person(record: PersonRecord) -> str:
    (name, *_) = record.names
    return words(name.family, name.given, record.birth_date, record.sex)


def visit(told: Visit) -> str:
    attending = told.attending.family if told.attending else None
    parts = (told.kind, number(told.number), attending, told.location)
    return " / ".join(filter(None, (*parts, when(told.admitted), when(told.discharged))))


def prior(told: Prior) -> str:
    identifiers = (each.value for each in told.identifiers)
    return " / ".join(filter(None, (*identifiers, number(told.account), number(told.visit))))


def number(identifier: Identifier | None) -> str | None:
    return identifier.value if identifier else None


def result(told: Result) -> str:
    values = (value(each) for each in told.values)
    return words(told.code.code, *values, told.unit, *told.flags, told.status)


def value(told: object) -> str:
    if isinstance(told, Code):
        return told.code
    return str(told.first) if isinstance(told, StructuredNumber) else str(told)


def when(told: str | None) -> str | None:
    """As the table writes it: day, clock and zone apart."""
    if told is None:
        return None
    day, _, clock = told.partition("T")
    return f"{day} {clock[:8]} {clock[8:]}"


def words(*values: object) -> str:
    return " ".join(str(value) for value in values if value not in (None, ""))
