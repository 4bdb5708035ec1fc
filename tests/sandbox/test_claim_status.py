"""Claim status, 276 to 277 (005010X212)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sandbox.faults import Faults, Outage
from sandbox.fhir.access import Grant
from sandbox.x12.desk import Desk
from sandbox.x12.interchange import dollars
from sandbox.x12.server import ClearinghouseServer
from tests.sandbox.edi import ISA, post
from tests.sandbox.test_x12 import named
from tests.shared_data import shared_data


class Asking:
    def __init__(self, population):
        self.claims = population.claims
        # So early that the last claims are not decided yet.
        self.today = max(claim.decided_at for claim in self.claims) - timedelta(days=1)
        self.faults = Faults()
        desk = Desk(population.members, population.claims, self.today)
        verify = {"good": Grant("gateway", ())}.get
        self.server = ClearinghouseServer(desk, verify, lambda: self.faults)

    def ask(self, text):
        answer = post(self.server, text)
        assert answer.status == 200, answer.body
        return [segment.split("*") for segment in answer.body.decode().rstrip("~").split("~")]


@pytest.fixture
def desk(population):
    return Asking(population)


def inquiry(*loops, control=905):
    body = [
        "BHT*0010*13*REF1*20261122*1147",
        "HL*1**20*1",
        "NM1*PR*2*MEADOW MUTUAL*****PI*842610001",
        "HL*2*1*21*1",
        "NM1*41*2*CHARTGRAPH*****46*CHARTGRAPH",
        "HL*3*2*19*1",
        "NM1*1P*2*LAKESIDE*****XX*1999999984",
        *(segment for loop in loops for segment in loop),
    ]
    segments = [
        ISA.format(control),
        "GS*HR*CHARTGRAPH*MEADOWMUTUAL*20261122*1147*7*X*005010X212",
        "ST*276*0001*005010X212",
        *body,
        f"SE*{len(body) + 2}*0001",
        "GE*1*7",
        f"IEA*1*{control:09d}",
    ]
    return "".join(f"{segment}~" for segment in segments)


def of(claim, level=4, **told):
    told = told or {"account": claim.account}
    return [
        f"HL*{level}*3*22*0",
        f"NM1*IL*1*DOE*JO****MI*{told.get('member', claim.member_id)}",
        f"TRN*1*T{level}",
        *([f"REF*EJ*{told['account']}"] if "account" in told else []),
        *([f"REF*1K*{told['number']}"] if "number" in told else []),
        *([f"AMT*T3*{told['charge']}"] if "charge" in told else []),
        *([f"DTP*472*RD8*{told['day']}-{told['day']}"] if "day" in told else []),
    ]


def test_a_claim_is_found_by_any_of_its_numbers_or_by_charge_and_day(desk):
    claim = next(c for c in desk.claims if c.decided_at <= desk.today and c.share.benefit)
    ways = [
        {"account": claim.account},
        {"number": claim.number},
        {"charge": dollars(claim.submitted), "day": f"{claim.day:%Y%m%d}"},
    ]
    loops = [of(claim, level, **told) for level, told in enumerate(ways, 4)]
    found = desk.ask(inquiry(*loops))
    said = [s for s in named(found, "STC") if len(s) > 4]
    assert [s[1] for s in said] == ["F1:65"] * 3
    assert {(Decimal(s[4]), Decimal(s[5])) for s in said} == {
        (Decimal(claim.submitted) / 100, Decimal(claim.share.benefit) / 100)
    }
    assert [s[2] for s in named(found, "TRN")] == ["T4", "T5", "T6"]
    assert {s[2] for s in named(found, "REF") if s[1] == "1K"} == {claim.number}


def test_parties_change_places_and_every_control_number_comes_back(desk):
    found = desk.ask(inquiry(of(desk.claims[0])))
    isa, gs, st, bht = found[:4]
    assert (isa[6], isa[8], isa[13]) == ("MEADOWMUTUAL   ", "CHARTGRAPH     ", "000000905")
    assert (gs[1], gs[2], gs[6]) == ("HN", "MEADOWMUTUAL", "7")
    assert st[1:] == ["277", "0001", "005010X212"]
    assert (bht[1:3], bht[6]) == (["0010", "08"], "DG")
    assert found[-1] == ["IEA", "1", "000000905"]


def test_what_is_not_decided_is_pending_and_what_is_unknown_or_another_s_is_not_found(desk):
    waiting = next(c for c in desk.claims if c.decided_at > desk.today)
    other = next(c for c in desk.claims if c.member_id != waiting.member_id)
    loops = [
        of(waiting),
        of(waiting, 5, account="A000000000"),
        of(waiting, 6, account=waiting.account, member=other.member_id),
    ]
    found = desk.ask(inquiry(*loops))
    whole = [s[1] for s in found if s[0] in ("STC", "SVC")]
    assert whole == ["P1:20", f"HC:{waiting.service}", "P1:20", "A4:35", "A4:35"]


@pytest.mark.parametrize("file", ["claim-level-status", "provider-level-status"])
def test_takes_the_guides_own_inquiries(desk, file):
    folder = shared_data("x12") / "lfh" / "276_005010X212"
    found = desk.ask((folder / f"{file}.276").read_text())
    assert {s[1] for s in named(found, "STC")} == {"A4:35"}
    assert found[0][13] == "000000907"


def test_it_misbehaves_on_purpose(desk):
    asked = inquiry(of(desk.claims[0]))
    desk.faults = Faults(outage=Outage.X12_DOWN)
    found = desk.ask(asked)
    assert named(found, "TRN") == [["TRN", "2", "REF1"]]
    assert [s[1] for s in named(found, "STC")] == ["E1:484"]
    desk.faults = Faults(outage=Outage.X12_999)
    assert [s[1] for s in named(desk.ask(asked), "ST")] == ["999"]
    desk.faults = Faults(outage=Outage.X12_ANOTHER)
    found = desk.ask(asked)
    assert [s[9] for s in named(found, "NM1") if s[1] == "IL"] == ["M999999999"]
    assert named(found, "TRN") == [["TRN", "2", "T4"]]


def test_a_reader_nobody_here_wrote_understands_the_answer(desk):
    """x12sdk holds every segment to the implementation guide."""
    from x12sdk.io import X12ModelReader  # noqa: PLC0415 - it takes a second to import

    asked = inquiry(*(of(claim, 4 + n) for n, claim in enumerate(desk.claims[:3])))
    answer = post(desk.server, asked).body.decode()
    with X12ModelReader(answer) as reader:
        [model] = reader.models()
    assert desk.claims[0].account in model.model_dump_json()
