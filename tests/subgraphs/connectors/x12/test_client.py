"""Eligibility of many members in one call, against a payer in memory."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.errors import ProtocolViolation, Refused, Unavailable
from subgraphs.connectors.transport import open_client
from subgraphs.connectors.x12.benefits import read_answers
from subgraphs.connectors.x12.client import ClearinghouseClient
from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.eligibility import Amounts, Eligibility, read_eligibility
from subgraphs.connectors.x12.inquiry import Inquiry, write_inquiry
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.connectors.x12.settings import X12Source
from subgraphs.connectors.x12.writing import Envelope, Person
from tests.shared_data import shared_data
from tests.subgraphs.connectors.x12.payer import CONTENT_TYPE, Payer, interchange

SOURCE = X12Source(
    id="payer-x12",
    url="https://payer.example/x12",
    serves=("coverage",),
    payer="payer",
    sender_id="CHARTGRAPH",
    receiver_id="PAYER01",
)
ADA = Person("Lovelace", "Ada", date(1950, 1, 2))
FULL = [
    "EB*1**30**GOLD 123 PLAN",
    "EB*C*IND*30***23*1500.00*****Y",
    "EB*C*IND*30***29*400.50*****Y",
    "EB*C*FAM*30***23*3000*****Y",
    "EB*G*IND*30***23*6000*****Y",
    "EB*G*IND*30***24*1000*****Y",
    "EB*B**98***27*30.00*****N",
    "EB*B**98***27*10.00*****Y",
    "EB*A**30*****.2****Y",
]


def client(network: httpx2.AsyncBaseTransport) -> ClearinghouseClient:
    return ClearinghouseClient(SOURCE, open_client(SOURCE, network=network))


async def inquire(payer: Payer, *inquiries: Inquiry):
    return await client(payer.network).inquire(inquiries)


class TestTheContract(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        body = ["BHT*0022*11**20260101*1200", "HL*1**20*1", "HL*2*1*21*1", f"NM1*IL*1*{PHI}"]
        return httpx2.Response(200, content=interchange([body]), headers=CONTENT_TYPE)

    async def ask(self, client):
        inquiry = Inquiry("ABC123", person=ADA)
        await ClearinghouseClient(SOURCE, client).inquire([inquiry])
        return True


async def test_reads_every_benefit_exactly():
    inquiry = Inquiry("M1", person=ADA)
    found = await inquire(Payer({"M1": FULL}), inquiry)
    assert replace(found[inquiry], benefits=()) == Eligibility(
        active=True,
        plan="GOLD 123 PLAN",
        deductible=Amounts(Decimal("1500.00"), Decimal("400.50"), Decimal("1099.50")),
        out_of_pocket=Amounts(Decimal(6000), Decimal(5000), Decimal(1000)),
        copay=None,
        coinsurance=Decimal("0.2"),
    )
    assert str(found[inquiry].deductible.total) == "1500.00"


async def test_a_service_has_its_own_benefits():
    inquiry = Inquiry("M1", "98")
    eligibility = (await inquire(Payer({"M1": FULL}), inquiry))[inquiry]
    assert (eligibility.copay, eligibility.active) == (Decimal("10.00"), True)


@pytest.mark.parametrize(
    ("segments", "active"),
    [
        (["EB*1**30"], True),
        (["EB*5**30"], True),
        (["EB*6**30"], False),
        (["EB*8"], False),
        (["EB*1**98"], None),
        (["EB*C*IND*30***23*1"], None),
        (["EB*6**30", "EB*1**30"], False),
        ([], None),
    ],
)
async def test_whether_a_member_is_covered(segments, active):
    inquiry = Inquiry("M1")
    found = await inquire(Payer({"M1": segments}), inquiry)
    assert found[inquiry].active is active


async def test_tells_all_that_the_payer_says_of_a_service():
    said = [
        "DTP*346*D8*20260101",
        "DTP*347*D8*20261231",
        "EB*1**30*PR*GOLD 123 PLAN",
        "EB*B*IND*98***27*10.00*****Y",
        "MSG*PRIMARY CARE ONLY",
        "EB*CB*IND*98**THERAPY****VS*20*Y*N*HC:97110:GP",
        "DTP*292*RD8*20260101-20260630",
        "MSG*AFTER 20 VISITS",
        "EB*C*FAM*30***23*3000*****N",
    ]
    inquiry = Inquiry("M1", "98")
    found = (await inquire(Payer({"M1": said}), inquiry))[inquiry]
    assert found.plan_dates == Dates(date(2026, 1, 1), date(2026, 12, 31))
    assert found.authorization_required is True
    assert found.messages == ("PRIMARY CARE ONLY", "AFTER 20 VISITS")
    copay, limit, active, family = found.benefits
    assert (copay.amount, copay.in_network) == (Decimal("10.00"), "Y")
    assert (limit.quantity, limit.quantity_kind, limit.in_network) == (Decimal(20), "VS", "N")
    assert limit.procedure == ("HC", "97110", "GP")
    assert limit.dates == Dates(date(2026, 1, 1), date(2026, 6, 30))
    assert active.insurance_type == "PR"
    assert (family.amount, family.in_network, family.period) == (Decimal(3000), "N", "23")


@pytest.mark.parametrize(("said", "needed"), [("Y", True), ("N", False), ("U", None), ("", None)])
async def test_whether_the_payer_has_to_agree_beforehand(said, needed):
    inquiry = Inquiry("M1", "98")
    found = await inquire(Payer({"M1": [f"EB*1*IND*98********{said}*Y"]}), inquiry)
    assert found[inquiry].authorization_required is needed


async def test_a_plan_without_an_end_is_open():
    inquiry = Inquiry("M1")
    found = await inquire(Payer({"M1": ["DTP*346*D8*20240101", "EB*1**30"]}), inquiry)
    assert found[inquiry].plan_dates == Dates(date(2024, 1, 1), date.max)


async def test_a_whole_request_takes_one_call():
    payer = Payer({f"M{n}": [f"EB*C*IND*30***23*{n}"] for n in range(250)})
    inquiries = [Inquiry(f"M{n}") for n in range(250)]
    found = await inquire(payer, *inquiries, *inquiries)
    assert len(payer.received) == 1
    assert [found[i].deductible.total for i in inquiries] == [Decimal(n) for n in range(250)]
    assert len(read_interchange(payer.received[0])) == 3  # 99 members in each set at most


async def test_nothing_to_ask_is_no_call():
    payer = Payer({})
    assert await inquire(payer) == {}
    assert payer.received == []


async def test_a_member_the_payer_does_not_know_spoils_no_other():
    known, unknown = Inquiry("M1"), Inquiry("M2")
    found = await inquire(Payer({"M1": FULL}), known, unknown)
    assert found[known].active is True
    assert found[unknown] == Eligibility(rejections=("75",), follow_ups=("C",))


async def test_an_id_that_x12_cannot_carry_is_not_sent():
    payer = Payer({"M1": FULL})
    bad = Inquiry("M1~EQ*98")
    found = await inquire(payer, bad, Inquiry("M1"))
    assert found[bad] == Eligibility(rejections=("72",))
    assert b"EQ*98" not in payer.received[0]


def test_a_service_type_is_a_code():
    for code in ("", "30~", "ABC", "*"):
        with pytest.raises(ValueError, match="service type"):
            Inquiry("M1", code)


def test_names_go_as_payers_hold_them():
    person = Person("Núñez-O'Hara*", "Ada~\nB", date(1950, 1, 2))
    envelope = Envelope(5, "R", datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    text = write_inquiry(SOURCE, envelope, [Inquiry("M1", person=person)]).decode()
    assert "NM1*IL*1*NUNEZ-O'HARA*ADA B****MI*M1~DMG*D8*19500102~" in text


async def test_answers_about_somebody_else_are_not_believed():
    class Confused(Payer):
        def answer_to(self, inquiry: bytes) -> bytes:
            return super().answer_to(inquiry).replace(b"MI*M1~", b"MI*M9~").replace(b"-2*", b"-7*")

    found = await inquire(Confused({"M1": FULL, "M2": FULL}), Inquiry("M1"), Inquiry("M2"))
    assert found == {}


async def test_a_refused_subscriber_answers_for_the_dependent():
    def refuse(request: httpx2.Request) -> httpx2.Response:
        (asked,) = read_interchange(request.content)
        reference = asked.body[0].element(3)
        names = [s.element(1) for s in asked.body if s.name == "NM1"]
        assert names == ["PR", "1P", "IL", "03"]
        body = [f"BHT*0022*11*{reference}*20260101*1200", "HL*1**20*1", "HL*2*1*21*1"]
        body += ["HL*3*2*22*0", "NM1*IL*1******MI*M1", "AAA*N**72*C"]
        return httpx2.Response(200, content=interchange([body]), headers=CONTENT_TYPE)

    inquiry = Inquiry("M1", dependent=ADA)
    found = await client(httpx2.MockTransport(refuse)).inquire([inquiry])
    assert found == {inquiry: Eligibility(rejections=("72",), follow_ups=("C",))}


@pytest.mark.parametrize(("reason", "error"), [("42", Unavailable), ("79", Refused)])
async def test_a_payer_that_answers_nobody(reason, error):
    class Closed(Payer):
        def answer_to(self, inquiry: bytes) -> bytes:
            reference = read_interchange(inquiry)[0].body[0].element(3)
            body = [f"BHT*0022*11*{reference}*20260101*1200", "HL*1**20*0", f"AAA*N**{reason}*P"]
            return interchange([body])

    with pytest.raises(error):
        await inquire(Closed({}), Inquiry("M1"))


@pytest.mark.parametrize(
    ("bodies", "kind"),
    [
        ([["BHT*0022*11*SOMEBODY ELSES*20260101*1200"]], "271"),
        ([["HL*1**20*0"]], "271"),
        ([["AK1*HS*1", "IK5*R", "AK9*R*1*1*0"]], "999"),
    ],
)
async def test_refuses_what_answers_no_inquiry_of_ours(bodies, kind):
    answer = httpx2.Response(200, content=interchange(bodies, kind=kind), headers=CONTENT_TYPE)
    with pytest.raises(ProtocolViolation):
        await client(httpx2.MockTransport(lambda _: answer)).inquire([Inquiry("M1")])


@pytest.mark.parametrize("amount", ["1e3", "1,000", "NaN", "Lovelace", "--1", "."])
async def test_refuses_amounts_that_are_no_numbers(amount):
    with pytest.raises(ProtocolViolation) as raised:
        await inquire(Payer({"M1": [f"EB*C*IND*30***23*{amount}"]}), Inquiry("M1"))
    assert amount not in str(raised.value)


@pytest.mark.shared_data
@pytest.mark.parametrize("who", ["subscriber", "dependent"])
def test_reads_real_answers(who):
    file = shared_data("x12", "lfh", "271_005010X279A1") / f"{who}-health-benefit-check.271"
    members = read_answers(read_interchange(file.read_bytes()), "10001234")
    (member,) = [member for member in members if member.trace == "93175-012547"]
    assert member.member_id == "123456789"
    plan, office_visit = read_eligibility(member, "30"), read_eligibility(member, "98")
    assert (plan.active, plan.plan, plan.copay) == (True, "GOLD 123 PLAN", None)
    assert (office_visit.active, office_visit.copay) == (True, Decimal("10.00"))


def test_a_reader_nobody_here_wrote_takes_our_inquiry():
    x12 = pytest.importorskip("x12sdk.io")
    envelope = Envelope(5, "R", datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    inquiries = [Inquiry("M100001", person=ADA), Inquiry("M200002", person=ADA, dependent=ADA)]
    text = write_inquiry(SOURCE, envelope, inquiries).decode()
    with x12.X12ModelReader(text) as reader:
        (model,) = list(reader.models())
    (payer,) = model.loop_2000a
    (receiver,) = payer.loop_2000b
    assert len(receiver.loop_2000c) == 2
