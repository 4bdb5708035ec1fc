"""Checking a source without reading anyone's data."""

import httpx2
import pytest

from chartgraph.testing.scripted import Scripted
from subgraphs.connectors.connector import NOBODY
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.probe import probe
from subgraphs.connectors.telehealth.client import TelehealthSource
from subgraphs.connectors.x12.settings import X12Source
from tests.subgraphs.connectors.fhir.ehr import BASE, Ehr, observation
from tests.subgraphs.connectors.x12.payer import Payer, StatusPayer

FHIR = FhirSource(id="ehr-a", url=BASE, serves=())
X12 = X12Source(
    id="payer-x12",
    url="https://payer.example/x12",
    serves=(),
    payer="payer",
    sender_id="CHARTGRAPH",
    receiver_id="PAYER01",
)
TELEHEALTH = TelehealthSource(id="telehealth", url="https://vendor.example", serves=())


async def test_a_fhir_server_tells_what_it_offers():
    ehr = Ehr([observation("1", "p1")])
    found = await probe(FHIR, network=ehr.network)
    assert (found.source, found.state, found.message) == ("ehr-a", "OK", "")
    assert found.offers == ("FHIR 4.0.1", "batch")
    assert ehr.paths == ["metadata", "Patient/_search"]


async def test_a_clearinghouse_is_asked_about_nobody():
    payer = Payer({})
    found = await probe(X12, network=payer.network)
    assert (found.state, found.offers) == ("OK", ("005010X279A1",))
    assert NOBODY.encode() in payer.received[0]


async def test_a_clearinghouse_for_claims_is_asked_about_nobody_s():
    payer, fields = StatusPayer({}), {name: getattr(X12, name) for name in X12.__struct_fields__}
    config = X12Source(**{**fields, "transactions": ("276",)})
    found = await probe(config, network=payer.network)
    assert (found.state, found.offers) == ("OK", ("005010X212",))
    assert [each.account for each in payer.asked] == [NOBODY]


async def test_a_vendor_is_asked_about_no_visit():
    network = Scripted([httpx2.Response(200, json={"visits": []})])
    assert (await probe(TELEHEALTH, network=network)).state == "OK"
    assert str(network.requests[0].url) == f"https://vendor.example/v1/visits?ids={NOBODY}"


@pytest.mark.parametrize("config", [FHIR, X12, TELEHEALTH], ids=lambda config: config.id)
async def test_says_what_is_wrong(config):
    found = await probe(config, network=Scripted([httpx2.Response(401)]))
    assert (found.state, found.message) == ("REFUSED", "the source refused our credentials")
