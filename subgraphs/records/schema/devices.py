"""What a patient carries in or on her body."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import PatientOfFact
from subgraphs.runtime.datatypes import FEW, CodeableConcept
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(
    description="A Unique Device Identifier as it is on the article. "
    "https://hl7.org/fhir/R4/device-definitions.html#Device.udiCarrier"
)
class UniqueDeviceIdentifier:
    device_identifier: str | None = strawberry.field(
        description="The DI: the kind of article, the same on each of them."
    )
    human_readable: str | None = strawberry.field(
        description="The whole of it, as it is printed beside the bar code."
    )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Device"),
    description="An implant, or another device of a patient's. https://hl7.org/fhir/R4/device.html",
)
class Device(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Who has it.")
    type: CodeableConcept | None = strawberry.field(description="What it is: SNOMED CT.")
    names: list[str] = strawberry.field(directives=[FEW], description="What it is called.")
    status: str | None = strawberry.field(
        description="`active`, `inactive` or `unknown`; http://hl7.org/fhir/device-status"
    )
    udi: list[UniqueDeviceIdentifier] = strawberry.field(
        directives=[FEW], description="Its Unique Device Identifiers."
    )
    distinct_identifier: str | None = strawberry.field(
        description="The distinct identification code, of tissue and cells."
    )
    manufacturer: str | None = strawberry.field(description="Who made it.")
    model_number: str | None = strawberry.field(description="The maker's number of the kind.")
    manufacture_date: DateTime | None = strawberry.field(description="When it was made.")
    expiration_date: DateTime | None = strawberry.field(description="Until when it may be used.")
    lot_number: str | None = strawberry.field(description="Its lot.")
    serial_number: str | None = strawberry.field(description="The number of this one article.")

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Device]) -> Device:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            type=CodeableConcept.of(record.type),
            names=[each.name for each in record.device_name if each.name],
            status=record.status,
            udi=[
                UniqueDeviceIdentifier(
                    device_identifier=udi.device_identifier, human_readable=udi.carrier_hrf
                )
                for udi in record.udi_carrier
            ],
            distinct_identifier=record.distinct_identifier,
            manufacturer=record.manufacturer,
            model_number=record.model_number,
            manufacture_date=date_time(record.manufacture_date),
            expiration_date=date_time(record.expiration_date),
            lot_number=record.lot_number,
            serial_number=record.serial_number,
        )

    resolve_references = facts_by_id(kinds.DEVICES, loaders.load_devices)
