"""Eligibility, 270 to 271 (005010X279A1)."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from sandbox.data.payer import Accumulator, Member
from sandbox.fhir.access import Grant
from sandbox.httpserver import Request
from sandbox.x12.server import EligibilityServer
from tests.shared_data import shared_data

ISA = (
    "ISA*00*          *00*          *ZZ*CHARTGRAPH     *ZZ*MEADOWMUTUAL   *261122*1147"
    "*^*00501*{:09d}*0*T*:"
)
ADA = Member(
    member_id="M000000001",
    family="Alder",
    given="Ada",
    gender="female",
    birth_date=date(1970, 5, 4),
    street="1 Maple Street",
    city="Dayton",
    state="OH",
    zip="45402",
    active=True,
    since=date(2023, 1, 1),
    until=None,
    met=Accumulator(deductible_met=400_25, out_of_pocket_met=475_25),
)
GONE = Member(
    **{
        **{name: getattr(ADA, name) for name in Member.__slots__},
        "member_id": "M000000002",
        "active": False,
        "until": date(2025, 12, 31),
    }
)


@pytest.fixture(scope="module")
def server():
    return EligibilityServer([ADA, GONE], {"good": Grant("gateway", ())}.get)


def subscriber(number, member, *more, trace=None):
    return [
        f"HL*{number}*2*22*0",
        f"TRN*1*{trace or f'T{number}'}*9CHARTGRAP",
        f"NM1*IL*1******MI*{member}",
        *more,
    ]


def inquiry(*loops, control=7, sets=None):
    """One interchange; `sets` instead of `loops` makes several transaction sets."""
    segments = [ISA.format(control), "GS*HS*CHARTGRAPH*MEADOWMUTUAL*20261122*1147*7*X*005010X279A1"]
    sets = sets or [loops]
    for number, members in enumerate(sets, start=1):
        body = [
            f"BHT*0022*13*REF{number}*20261122*1147",
            "HL*1**20*1",
            "NM1*PR*2*MEADOW MUTUAL*****PI*842610001",
            "HL*2*1*21*1",
            "NM1*1P*2*CHARTGRAPH*****XX*1999999984",
            *(segment for loop in members for segment in loop),
        ]
        segments += [f"ST*270*{number:04d}*005010X279A1", *body, f"SE*{len(body) + 2}*{number:04d}"]
    segments += [f"GE*{len(sets)}*7", f"IEA*1*{control:09d}"]
    return "".join(f"{segment}~" for segment in segments)


def post(server, text, token="good", path="/x12"):
    headers = {"authorization": f"Bearer {token}"}
    return asyncio.run(server.respond(Request("POST", path, "", headers, text.encode())))


def ask(server, text):
    answer = post(server, text)
    assert answer.status == 200, answer.body
    assert answer.content_type == "application/edi-x12"
    return [segment.split("*") for segment in answer.body.decode().rstrip("~").split("~")]


def named(segments, name):
    return [segment for segment in segments if segment[0] == name]


def amounts(segments, code):
    """EB06 → EB07"""
    return {s[6]: Decimal(s[7]) for s in named(segments, "EB") if s[1] == code}


def test_tells_the_benefits(server):
    found = ask(server, inquiry(subscriber(3, ADA.member_id, "EQ*30")))
    assert named(found, "EB")[0] == ["EB", "1", "IND", "30", "PR", "MEADOW PPO 1500"]
    assert amounts(found, "C") == {"23": Decimal("1500.00"), "29": Decimal("1099.75")}
    assert amounts(found, "G") == {"23": Decimal("5000.00"), "29": Decimal("4524.75")}
    assert amounts(found, "B") == {"27": Decimal("25.00")}
    assert ["NM1", "IL", "1", "ALDER", "ADA", "", "", "", "MI", ADA.member_id] in found


def test_swaps_the_parties_and_echoes_every_control_number(server):
    found = ask(server, inquiry(subscriber(3, ADA.member_id), control=905))
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


def test_answers_every_member_of_a_set_and_every_set(server):
    sets = [
        [subscriber(3, ADA.member_id), subscriber(4, "NOBODY")],
        [subscriber(3, GONE.member_id, trace="Z")],
    ]
    found = ask(server, inquiry(sets=sets))
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
def test_says_why_a_member_is_not_found(server, segments, reason):
    found = ask(server, inquiry(segments))
    assert named(found, "AAA") == [["AAA", "N", "", reason, "C"]]
    assert not named(found, "EB")


def test_a_member_who_left_is_told_from_one_who_never_was(server):
    found = ask(server, inquiry(subscriber(3, GONE.member_id)))
    assert named(found, "EB") == [["EB", "6", "", "30"]]
    assert ["DTP", "347", "D8", "20251231"] in found


def test_a_service_the_plan_does_not_cover(server):
    found = ask(server, inquiry(subscriber(3, ADA.member_id, "EQ*98^AL")))
    assert ["EB", "I", "", "AL"] in found
    assert ["EB", "1", "IND", "98", "PR", "MEADOW PPO 1500"] in found


def test_a_dependent_is_not_answered_with_the_subscribers_benefits(server):
    loops = [
        "HL*3*2*22*1",
        f"NM1*IL*1******MI*{ADA.member_id}",
        "HL*4*3*23*0",
        "TRN*1*D1*9CHARTGRAP",
        "NM1*03*1*ALDER*TIM",
        "EQ*30",
    ]
    found = ask(server, inquiry(loops))
    assert not named(found, "EB")
    assert found.index(["AAA", "N", "", "67", "C"]) > found.index(["HL", "4", "3", "23", "0"])


def test_reads_the_delimiters_from_isa(server):
    text = inquiry(subscriber(3, ADA.member_id, "EQ*30^98"))
    other = text.translate(str.maketrans("*^:~", "|!>'"))
    answer = post(server, other).body.decode()
    assert answer.startswith("ISA|00|")
    assert "'EB|1|IND|98|PR|MEADOW PPO 1500'" in answer


def test_line_ends_between_segments_do_no_harm(server):
    text = inquiry(subscriber(3, ADA.member_id)).replace("~", "~\r\n")
    assert named(ask(server, text), "EB")


@pytest.mark.parametrize("file", ["subscriber", "dependent"])
def test_takes_the_guides_own_inquiries(server, file):
    folder = shared_data("x12") / "lfh" / "270_005010X279A1"
    found = ask(server, (folder / f"{file}-health-benefit-check.270").read_text())
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
def test_refuses_what_is_malformed_and_quotes_none_of_it(server, spoil):
    answer = post(server, spoil(inquiry(subscriber(3, ADA.member_id))))
    assert answer.status == 400
    assert ADA.member_id.encode() not in answer.body


def test_a_delimiter_inside_a_name_cannot_break_the_answer():
    odd = Member(**{**{n: getattr(ADA, n) for n in Member.__slots__}, "family": "Al*der~EB*1"})
    server = EligibilityServer([odd], {"good": Grant("gateway", ())}.get)
    found = ask(server, inquiry(subscriber(3, ADA.member_id)))
    assert ["NM1", "IL", "1", "AL DER EB 1", "ADA", "", "", "", "MI", ADA.member_id] in found


def test_nobody_asks_without_a_token(server):
    assert post(server, inquiry(), token="bad").status == 401
    assert post(server, inquiry(), path="/other").status == 404


def test_a_reader_nobody_here_wrote_understands_the_answer(server):
    """x12sdk holds every segment to the implementation guide."""
    from x12sdk.io import X12ModelReader  # noqa: PLC0415 - it takes a second to import

    members = [subscriber(n + 3, m.member_id) for n, m in enumerate((ADA, GONE))]
    answer = post(server, inquiry(*members)).body.decode()
    with X12ModelReader(answer) as reader:
        [model] = reader.models()
    said = model.model_dump_json()
    assert said.count('"EB"') == answer.count("~EB*")
    assert '"1099.75"' in said
