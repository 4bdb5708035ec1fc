"""What a 271 that was handed in says of a member: who that is, and the answer as it was read."""

from __future__ import annotations

from typing import Final

import msgspec

from subgraphs.connectors.x12.benefits import MemberAnswer
from subgraphs.connectors.x12.filed.claims import ORIGIN
from subgraphs.connectors.x12.filed.parties import Names, Resource, filled

ELIGIBILITY: Final = "EligibilityAnswer"


def eligibility_resources(answer: MemberAnswer, sent_at: str, names: Names) -> list[Resource]:
    """Nothing where it has no member number. A payer's description of a member is a full one."""
    whom = answer.dependent or answer.subscriber
    patient = names.patient(answer.payer, whom, answer.subscriber)
    if patient is None or whom is None:
        return []
    payer = names.payer(answer.payer)
    person = names.patient_resource(patient, answer.payer, whom, answer.subscriber, sent_at or None)
    told = {
        "resourceType": ELIGIBILITY,
        "id": names.name("eligibility", payer, patient, answer.trace, sent_at),
        "meta": filled(lastUpdated=sent_at, source=f"{ORIGIN}271"),
        "patient": {"reference": f"Patient/{patient}"},
        "payer": payer,
        "answer": msgspec.to_builtins(answer),
    }
    return [person, told]
