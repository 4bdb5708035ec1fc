"""The sampled validation of what a source sends."""

from decimal import Decimal

import pytest

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.conformance import Conformance
from subgraphs.connectors.fhir.settings import FhirSource

GOOD = {
    "resourceType": "Observation",
    "id": "1",
    "status": "final",
    "code": {"text": "weight"},
    "valueQuantity": {"value": Decimal("72.50")},
}
BAD = GOOD | {"name": "Lovelace"}


def conformance(mode: str, chance: float = 0.0) -> Conformance:
    config = FhirSource(
        id="ehr-a", url="https://ehr.example", serves=(), conformance=mode, conformance_share=0.5
    )
    return Conformance(config, chance=lambda: chance)


async def test_reports_what_does_not_conform():
    checks = conformance("report")
    await checks.check([GOOD, BAD, {"resourceType": "../os"}, {"resourceType": "Nonsense"}, {}])
    assert checks.checked == 5
    assert checks.failures == {"Observation": 1, "../os": 1, "Nonsense": 1, "None": 1}


async def test_strict_refuses_the_answer_and_quotes_nothing():
    with pytest.raises(ProtocolViolation, match="Observation") as raised:
        await conformance("strict").check([GOOD, BAD])
    assert "Lovelace" not in str(raised.value)


async def test_strict_takes_what_conforms():
    await conformance("strict").check([GOOD])


@pytest.mark.parametrize(("mode", "chance"), [("off", 0.0), ("report", 0.5)])
async def test_looks_at_its_share_only(mode, chance):
    checks = conformance(mode, chance)
    await checks.check([BAD])
    assert (checks.checked, checks.failures) == (0, {})
