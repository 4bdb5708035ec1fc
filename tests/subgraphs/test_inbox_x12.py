"""X12 files handed in by the route: what is kept, what is refused by its name, and by whom."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack

import pytest
import yaml

from contract.context import Caller
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings
from tests.shared_data import shared_data
from tests.subgraphs.conftest import MASTER, Graph, settled
from tests.subgraphs.connectors.x12.payer import interchange
from tests.subgraphs.coverage.files import PAYER_ID, claim, claims, paid, remittance, status
from tests.subgraphs.signed import post

TOKEN = (b"authorization", b"Bearer a-token-of-the-clearinghouse")
BILLER = Caller(subject="b", roles=("biller",), scopes=("user/*.rs",))
SERVES = ["identity", "coverage"]
CHECKS = """... on Patient { eligibilityChecks { nodes {
  source isHandedIn payer serviceType checkedAt coverage { id }
  eligibility { active plan asOf copay { value } planPeriod { start }
    benefits { kind serviceTypes amount { value } inNetwork } } } } }"""


@pytest.fixture
async def graph(tmp_path):
    (tmp_path / "clearing.token").write_bytes(b"a-token-of-the-clearinghouse\n")
    source = {"kind": "inbox", "serves": SERVES, "token_file": "clearing.token"}
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"sources": {"clearing": source}}))
    key = base64.b64encode(MASTER).decode()
    settings = RuntimeSettings(home=tmp_path, master_key=key, crawl_seconds=0.1)
    async with AsyncExitStack() as stack:
        apps = await stack.enter_async_context(open_subgraphs([*SERVES, "governance"], settings))
        yield Graph(apps, {}, "")


async def hand_in(graph, body: bytes, *headers):
    answered, content = await post(
        graph.apps["identity"], "/inbox/clearing", body, list(headers or (TOKEN,))
    )
    return answered, json.loads(content)


def published(name: str) -> bytes:
    return (shared_data("x12", "lfh") / name).read_bytes()


def answer(*segments: str) -> bytes:
    body = ["BHT*0022*11*1*20260101*1200", "HL*1**20*1", f"NM1*PR*2*MEADOW*****PI*{PAYER_ID}"]
    return interchange([[*body, "HL*2*1*21*1", "NM1*1P*2*US*****XX*1999999984", *segments]])


ADA = ["HL*3*2*22*0", "TRN*2*T1*9X", "NM1*IL*1*LOVELACE*ADA****MI*M-ada", "DMG*D8*19500102*F"]


@pytest.mark.shared_data
@pytest.mark.parametrize(("who", "given"), [("subscriber", "John"), ("dependent", "Mary")])
async def test_the_guides_own_answers_are_kept_and_shown_whole(graph, who, given):
    content = published(f"271_005010X279A1/{who}-health-benefit-check.271")
    first = await hand_in(graph, content)
    assert first == (
        200,
        {"new": True, "kept": {"Patient": 1, "EligibilityAnswer": 1}, "leftOut": {}},
    )
    assert (await hand_in(graph, content))[1]["new"] is False
    await settled(graph.apps["identity"])
    (patient,) = await graph.patients(9)
    named = await graph.entities("identity", "... on Patient { name { given family } }", patient)
    assert named.data == [{"name": {"given": [given], "family": "Smith"}}]
    found = await graph.entities("coverage", CHECKS, patient, caller=BILLER)
    assert found.errors == []
    (told,) = found.data[0]["eligibilityChecks"]["nodes"]
    benefits = told["eligibility"].pop("benefits")
    assert told == {
        "source": "clearing",
        "isHandedIn": True,
        "payer": "ABC COMPANY",
        "serviceType": "30",
        "checkedAt": "2013-10-31T11:47:00Z",
        "coverage": None,
        "eligibility": {
            "active": True,
            "plan": "GOLD 123 PLAN",
            "asOf": "2013-10-31T11:47:00Z",
            "copay": None,
            "planPeriod": {"start": "2006-01-01"},
        },
    }
    shown = sorted(
        (b["kind"], b["amount"] and b["amount"]["value"], b["inNetwork"]) for b in benefits
    )
    assert shown == [
        ("1", None, None),
        ("1", None, None),
        ("B", "10.00", True),
        ("B", "30.00", False),
        ("L", None, None),
    ]


@pytest.mark.parametrize(
    ("body", "kept", "left_out"),
    [
        (claims(claim("A-1", "100")), {"Patient": 1, "Claim": 1}, {}),
        (
            remittance("70", paid("A-1", "100", "70")),
            {"Patient": 1, "Claim": 1, "ClaimRemittance": 1},
            {},
        ),
        (status("A-1", "P-1"), {"Patient": 1, "Claim": 1, "ClaimStatus": 1}, {}),
        (answer(*ADA, "EB*1**30"), {"Patient": 1, "EligibilityAnswer": 1}, {}),
        (
            answer(*ADA, "AAA*N**75*C"),
            {},
            {"answer about a member the payer does not know": 1},
        ),
        (
            answer("HL*3*2*22*0", "NM1*IL*1*LOVELACE*ADA****34*123456789", "EB*1**30"),
            {},
            {"answer without a member number": 1},
        ),
    ],
    ids=["837", "835", "277", "271", "271 of a stranger", "271 without a number"],
)
async def test_what_is_kept_and_what_is_left_out_is_counted(graph, body, kept, left_out):
    told = await hand_in(graph, body)
    assert told == (200, {"new": True, "kept": kept, "leftOut": left_out})


INQUIRY = ["BHT*0022*13*1*20260101*1200", "HL*1**20*1", "HL*2*1*21*1", *ADA, "EQ*30"]
WHOLE = answer(*ADA, "EB*1**30")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (interchange([INQUIRY], kind="270"), "X12 270 that is handed in"),
        (interchange([INQUIRY], kind="276", guide="005010X212"), "X12 276 that is handed in"),
        (interchange([["AK1*HC*1"]], kind="999", guide="005010X231A1"), "X12 999 of guide"),
        (interchange([INQUIRY], kind="271", guide="004010X092A1"), "X12 271 of guide 004010X092A1"),
        (WHOLE[: len(WHOLE) // 2], "cut short"),
        (WHOLE.replace(b"IEA*1*000000007", b"IEA*1*000000008"), "control numbers disagree"),
        (WHOLE.replace(b"SE*", b"SE*9"), "counts disagree"),
        (WHOLE.replace(b"EB*1**30", b"EB*C**30****LOVELACE"), "EB07 is no number"),
        (WHOLE[:60], "no X12 interchange"),
        (answer("AAA*Y**42*R"), "cannot answer"),
        (interchange([["BHT*0022*11", "HL*1**20*0", "AAA*N**79*C"]]), "(79)"),
    ],
    ids=["270", "276", "999", "4010", "half", "IEA", "SE", "money", "ISA", "down", "refused"],
)
async def test_what_is_not_taken_is_refused_whole_and_not_quoted(graph, body, reason):
    code, told = await hand_in(graph, body)
    assert code == 422
    assert reason in told["refused"]
    for phi in ("LOVELACE", "M-ada", "19500102"):
        assert phi not in told["refused"]
    await settled(graph.apps["identity"])
    assert await graph.patients(9) == []


@pytest.mark.parametrize("shown", [b"Bearer another", b"Bearer ", b""])
async def test_nobody_else_hands_in_anything(graph, shown):
    code, _ = await hand_in(graph, WHOLE, (b"authorization", shown))
    assert code == 401


async def test_one_file_may_hold_answers_of_several_kinds(graph):
    body = WHOLE.replace(b"IEA*1*", b"IEA*2*").partition(b"IEA*2*")
    other = status("A-1", "P-1").partition(b"GS*")[2].partition(b"IEA*")[0]
    code, told = await hand_in(graph, body[0] + b"GS*" + other + body[1] + body[2])
    assert code == 200, told
    assert told["kept"] == {"Patient": 1, "EligibilityAnswer": 1, "Claim": 1, "ClaimStatus": 1}
