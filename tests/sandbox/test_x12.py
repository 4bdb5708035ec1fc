"""Eligibility, 270 to 271 (005010X279A1)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.data.payer import Member
from sandbox.faults import Faults
from sandbox.fhir.access import Grant
from sandbox.x12.desk import Desk
from sandbox.x12.server import ClearinghouseServer
from tests.sandbox.edi import ADA, GONE, inquiry, post, subscriber
from tests.shared_data import shared_data


def ask(eligibility, text):
    answer = post(eligibility, text)
    assert answer.status == 200, answer.body
    assert answer.content_type == "application/edi-x12"
    return [segment.split("*") for segment in answer.body.decode().rstrip("~").split("~")]


def named(segments, name):
    return [segment for segment in segments if segment[0] == name]


def amounts(segments, code):
    """EB06 → EB07"""
    return {s[6]: Decimal(s[7]) for s in named(segments, "EB") if s[1] == code}


def test_tells_the_benefits(eligibility):
    found = ask(eligibility, inquiry(subscriber(3, ADA.member_id, "EQ*30")))
    assert named(found, "EB")[0] == ["EB", "1", "IND", "30", "PR", "MEADOW PPO 1500"]
    assert amounts(found, "C") == {"23": Decimal("1500.00"), "29": Decimal("1099.75")}
    assert amounts(found, "G") == {"23": Decimal("5000.00"), "29": Decimal("4524.75")}
    assert amounts(found, "B") == {"27": Decimal("25.00")}
    assert ["NM1", "IL", "1", "ALDER", "ADA", "", "", "", "MI", ADA.member_id] in found


def test_swaps_the_parties_and_echoes_every_control_number(eligibility):
    found = ask(eligibility, inquiry(subscriber(3, ADA.member_id), control=905))
    isa, gs, st, bht = found[:4]
    assert (isa[6], isa[8], isa[13]) == ("MEADOWMUTUAL   ", "CHARTGRAPH     ", "000000905")
    assert len("*".join(isa)) == 105
    assert (gs[1], gs[2], gs[3], gs[6]) == ("HB", "MEADOWMUTUAL", "CHARTGRAPH", "7")
    assert st[1:] == ["271", "0001", "005010X279A1"]
    assert bht[3] == "REF1"
    assert named(found, "TRN") == [["TRN", "2", "T3", "9CHARTGRAP"]]
    assert found[-1] == ["IEA", "1", "000000905"]
    [trailer] = named(found, "SE")
    assert int(trailer[1]) == len(found) - 4


def test_answers_every_member_of_a_set_and_every_set(eligibility):
    sets = [
        [subscriber(3, ADA.member_id), subscriber(4, "NOBODY")],
        [subscriber(3, GONE.member_id, trace="Z")],
    ]
    found = ask(eligibility, inquiry(sets=sets))
    assert [s[2] for s in named(found, "TRN")] == ["T3", "T4", "Z"]
    assert [s[2] for s in named(found, "ST")] == ["0001", "0002"]
    assert named(found, "AAA") == [["AAA", "N", "", "75", "C"]]
    assert ["EB", "6", "", "30"] in found
    assert named(found, "GE") == [["GE", "2", "7"]]


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        (subscriber(3, "NOBODY"), "75"),
        (subscriber(3, ADA.member_id, "DMG*D8*19991231"), "71"),
        (["HL*3*2*22*0", "NM1*IL*1*ALDER*ADA"], "72"),
    ],
)
def test_says_why_a_member_is_not_found(eligibility, segments, reason):
    found = ask(eligibility, inquiry(segments))
    assert named(found, "AAA") == [["AAA", "N", "", reason, "C"]]
    assert not named(found, "EB")


def test_a_member_who_left_is_told_from_one_who_never_was(eligibility):
    found = ask(eligibility, inquiry(subscriber(3, GONE.member_id)))
    assert named(found, "EB") == [["EB", "6", "", "30"]]
    assert ["DTP", "347", "D8", "20251231"] in found


def test_a_service_the_plan_does_not_cover(eligibility):
    found = ask(eligibility, inquiry(subscriber(3, ADA.member_id, "EQ*98^AL")))
    assert ["EB", "I", "", "AL"] in found
    assert ["EB", "1", "IND", "98", "PR", "MEADOW PPO 1500"] in found


def test_a_dependent_is_not_answered_with_the_subscribers_benefits(eligibility):
    loops = [
        "HL*3*2*22*1",
        f"NM1*IL*1******MI*{ADA.member_id}",
        "HL*4*3*23*0",
        "TRN*1*D1*9CHARTGRAP",
        "NM1*03*1*ALDER*TIM",
        "EQ*30",
    ]
    found = ask(eligibility, inquiry(loops))
    assert not named(found, "EB")
    assert found.index(["AAA", "N", "", "67", "C"]) > found.index(["HL", "4", "3", "23", "0"])


def test_reads_the_delimiters_from_isa(eligibility):
    text = inquiry(subscriber(3, ADA.member_id, "EQ*30^98"))
    other = text.translate(str.maketrans("*^:~", "|!>'"))
    answer = post(eligibility, other).body.decode()
    assert answer.startswith("ISA|00|")
    assert "'EB|1|IND|98|PR|MEADOW PPO 1500'" in answer


def test_line_ends_between_segments_do_no_harm(eligibility):
    text = inquiry(subscriber(3, ADA.member_id)).replace("~", "~\r\n")
    assert named(ask(eligibility, text), "EB")


@pytest.mark.parametrize("file", ["subscriber", "dependent"])
def test_takes_the_guides_own_inquiries(eligibility, file):
    folder = shared_data("x12") / "lfh" / "270_005010X279A1"
    found = ask(eligibility, (folder / f"{file}-health-benefit-check.270").read_text())
    assert named(found, "AAA")
    assert found[0][13] == "000000907"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda _: "<html>", id="no X12"),
        pytest.param(lambda text: text[:60], id="half an ISA"),
        pytest.param(
            lambda text: text.replace("CHARTGRAPH     ", "CHARTGRAPH", 1), id="narrow ISA"
        ),
        pytest.param(
            lambda text: text.replace("IEA*1*000000007", "IEA*1*000000008"), id="IEA number"
        ),
        pytest.param(lambda text: text.replace("IEA*1*000000007~", ""), id="no IEA"),
        pytest.param(lambda text: text + "ST*270*2~", id="more after IEA"),
        pytest.param(lambda text: text.replace("SE*", "SE*9"), id="SE count"),
        pytest.param(lambda text: text.replace("GE*1*7~", ""), id="no GE"),
        pytest.param(lambda text: text.replace("ST*270*", "ST*837*"), id="not a 270"),
        pytest.param(lambda text: text.replace("HL*2*1*21*1", "HL*2*1*22*1"), id="no provider"),
        pytest.param(lambda text: text.replace("*", "~"), id="two delimiters alike"),
    ],
)
def test_refuses_what_is_malformed_and_quotes_none_of_it(eligibility, spoil):
    answer = post(eligibility, spoil(inquiry(subscriber(3, ADA.member_id))))
    assert answer.status == 400
    assert ADA.member_id.encode() not in answer.body


def test_a_delimiter_inside_a_name_cannot_break_the_answer():
    odd = Member(**{**{n: getattr(ADA, n) for n in Member.__slots__}, "family": "Al*der~EB*1"})
    desk = Desk([odd], [], datetime(2026, 11, 22, tzinfo=UTC))
    eligibility = ClearinghouseServer(desk, {"good": Grant("gateway", ())}.get, Faults)
    found = ask(eligibility, inquiry(subscriber(3, ADA.member_id)))
    assert ["NM1", "IL", "1", "AL DER EB 1", "ADA", "", "", "", "MI", ADA.member_id] in found


def test_nobody_asks_without_a_token(eligibility):
    assert post(eligibility, inquiry(), token="bad").status == 401
    assert post(eligibility, inquiry(), path="/other").status == 404


def test_a_reader_nobody_here_wrote_understands_the_answer(eligibility):
    """x12sdk holds every segment to the implementation guide."""
    from x12sdk.io import X12ModelReader  # noqa: PLC0415 - it takes a second to import

    members = [subscriber(n + 3, m.member_id) for n, m in enumerate((ADA, GONE))]
    answer = post(eligibility, inquiry(*members)).body.decode()
    with X12ModelReader(answer) as reader:
        [model] = reader.models()
    said = model.model_dump_json()
    assert said.count('"EB"') == answer.count("~EB*")
    assert '"1099.75"' in said
