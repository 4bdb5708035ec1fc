"""The status of many claims in one call: the guide's own answers, and what payers do wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Scripted
from subgraphs.connectors.errors import ProtocolViolation, Unavailable
from subgraphs.connectors.transport import open_client
from subgraphs.connectors.x12.claim_status import read_claim_statuses
from subgraphs.connectors.x12.client import ClearinghouseClient
from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.connectors.x12.settings import X12Source
from subgraphs.connectors.x12.status_answer import StatusRefused, read_status_answers
from subgraphs.connectors.x12.status_inquiry import Provider, StatusInquiry, write_status_inquiry
from subgraphs.connectors.x12.writing import Envelope, Person
from tests.shared_data import shared_data
from tests.subgraphs.connectors.x12.payer import CONTENT_TYPE, StatusPayer, interchange
from tests.subgraphs.connectors.x12.test_client import ADA, SOURCE

ABOVE = ["BHT*0010*08*R*20260101*1200*DG", "HL*1**20*1", "HL*2*1*21*1", "HL*3*2*19*1"]


def answer(*body: str) -> httpx2.Response:
    content = interchange([[*ABOVE, *body]], kind="277", guide="005010X212")
    return httpx2.Response(200, content=content, headers=CONTENT_TYPE)


def client(network: httpx2.AsyncBaseTransport) -> ClearinghouseClient:
    return ClearinghouseClient(SOURCE, open_client(SOURCE, network=network))


class TestTheContract(ConnectorContract):
    def config(self) -> X12Source:
        return SOURCE

    def good(self):
        return answer("HL*4*3*22*0", f"NM1*IL*1*{PHI}", "TRN*2*T", "STC*F1:65*20260101")

    async def ask(self, client):
        await ClearinghouseClient(SOURCE, client).statuses([StatusInquiry("M1", ADA)])
        return True


async def test_many_claims_are_one_call_and_each_has_its_own_answer():
    payer = StatusPayer({f"A{n}": f"F{n % 3}:65*20260102**380.60*80" for n in range(300)})
    asked = [StatusInquiry(f"M{n}", ADA, account=f"A{n}") for n in range(300)]
    found = await client(payer.network).statuses(asked)
    assert len(payer.received) == 1
    said = [found[each][0].statuses[0] for each in asked]
    assert [each.codes[0].category for each in said] == [f"F{n % 3}" for n in range(300)]
    assert {(each.charged, each.paid) for each in said} == {(Decimal("380.60"), Decimal(80))}
    assert str(said[0].charged) == "380.60"


async def test_an_answer_about_somebody_else_is_not_believed():
    payer = StatusPayer({}, member="M999")
    assert await client(payer.network).statuses([StatusInquiry("M1", ADA)]) == {}


async def test_what_x12_cannot_write_is_not_asked():
    assert await client(Scripted([])).statuses([StatusInquiry("M~1", ADA)]) == {}


async def test_nothing_but_a_277_is_an_answer():
    body = [["AK1*HR*7", "AK9*A*1*1*1"]]
    content = interchange(body, kind="999", guide="005010X231A1")
    network = Scripted([httpx2.Response(200, content=content, headers=CONTENT_TYPE)])
    with pytest.raises(ProtocolViolation, match="277"):
        await client(network).statuses([StatusInquiry("M1", ADA)])


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        ("E1:484", Unavailable, "at present"),
        ("E2:0", Unavailable, "at present"),
        ("E0:24", StatusRefused, "(E0:24)"),
        (f"{PHI}:1", StatusRefused, "as the one who asks"),
    ],
)
async def test_what_is_said_of_whoever_asks_is_of_all(code, error, told):
    body = ["BHT*0010*08*R*20260101*1200*DG", "HL*1**20*1", "HL*2*1*21*0", "TRN*2*CG1"]
    content = interchange([[*body, f"STC*{code}*20260101"]], kind="277", guide="005010X212")
    network = Scripted([httpx2.Response(200, content=content, headers=CONTENT_TYPE)])
    with pytest.raises(error) as raised:
        await client(network).statuses([StatusInquiry("M1", ADA)])
    assert told in str(raised.value)
    assert PHI not in str(raised.value)


def test_what_is_said_of_a_provider_is_of_each_of_their_claims():
    """The guide's own example: one claim has an answer, the other's provider is not known."""
    folder = shared_data("x12") / "lfh" / "277_005010X212"
    content = (folder / "provider-level-status.277").read_bytes()
    known = StatusInquiry("123456789A", None, provider=Provider("1666666661", "HOME HOSPITAL"))
    unknown = [
        StatusInquiry(f"34567890{n}", None, provider=Provider("6166666666", "PHYSICIANS"))
        for n in range(2)
    ]
    traced = dict(zip(("ABCXYZ1", "ABCXYZ2", "ABCXYZ3"), [known, *unknown], strict=True))
    found = read_status_answers(read_interchange(content), traced)
    codes = {each: found[each][0].statuses[0].codes[0] for each in found}
    assert [(c.category, c.code) for c in codes.values()] == [
        ("P3", "317"),
        ("E0", "24"),
        ("E0", "24"),
    ]
    assert [*found] == [known, *unknown]


def test_the_guides_own_answer_to_a_whole_inquiry():
    folder = shared_data("x12") / "lfh" / "277_005010X212"
    content = (folder / "information-receiver-level-status.277").read_bytes()
    with pytest.raises(StatusRefused) as raised:
        read_status_answers(read_interchange(content), {})
    assert raised.value.code == "E0:0"


def test_each_provider_is_named_once_with_their_own_claims():
    lakeside, meadow = Provider("1999999984", "Lakeside"), Provider("1234567893", "Meadow Clinic")
    child = Person("Roe", "Kim", date(2010, 5, 6))
    asked = [
        StatusInquiry("M-1", ADA, account="A-1", provider=lakeside),
        StatusInquiry("M-2", None, dependent=child, account="A-2", provider=meadow),
        StatusInquiry(
            "M-3",
            ADA,
            payer_claim="P-3",
            dates=Dates(date(2026, 1, 1), date(2026, 1, 2)),
            provider=lakeside,
        ),
    ]
    at = Envelope(7, "R", datetime(2026, 1, 2, 12, tzinfo=UTC))
    (written,) = read_interchange(write_status_inquiry(SOURCE, at, asked))
    named = [s.element(9) for s in written.body if s.name == "NM1" and s.element(1) == "1P"]
    assert named == ["1234567893", "1999999984"]
    told = {each.trace: each for each in read_claim_statuses(written)}
    assert {trace: each.provider.id for trace, each in told.items()} == {
        "R-1": "1999999984",
        "R-2": "1234567893",
        "R-3": "1999999984",
    }
    assert (told["R-2"].patient.given, told["R-2"].subscriber.id) == ("KIM", "M-2")
    assert told["R-3"].payer_claim == "P-3"
