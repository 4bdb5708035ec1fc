"""What is pushed becomes part of a patient's graph: messages in, by route or file; entities out."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack

import pytest
import yaml
from typer.testing import CliRunner

from chartgraph.cli import app as cli
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings
from tests.subgraphs.conftest import CLINICIAN, MASTER, Graph, settled
from tests.subgraphs.signed import post

TOKEN = (b"authorization", b"Bearer a-token-of-the-lab")
SERVES = ["identity", "records", "diagnostics", "scheduling"]
VISIT = "status encounterClass { code } period { start }"
RESULTS = "observations { nodes { status valueQuantity { value unit } } }"


def message(kind: str, number: str, sent: str, *segments: str) -> bytes:
    head = f"MSH|^~\\&|LAB|WARD|||{sent}||{kind}|{number}|P|2.5.1"
    return "\r".join((head, *segments)).encode()


def person(mrn: str = "778") -> str:
    return f"PID|1||{mrn}^^^WARD^MR||Roe^Max||19610615|M"


def admitted(number="A1", mrn="778", sent="20260102100000+0000") -> bytes:
    visit = f"PV1|1|I|3N^136^B||||9^Attend^Ann||||||||||||V-1^^^WARD{'|' * 25}20260102090000+0000"
    return message("ADT^A01", number, sent, f"EVN|A01|{sent}", person(mrn), visit)


def glucose(number: str, sent: str, value: str, status: str = "F", mrn: str = "778") -> bytes:
    order = "OBR|1||F-1|24323-8^Panel^LN|||20260102073000+0000||||||||||||||||||F"
    result = f"OBX|1|NM|2345-7^Glucose^LN||{value}|mg/dL|70-105|H|||{status}"
    return message("ORU^R01", number, sent, person(mrn), order, result)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "lab.token").write_bytes(b"a-token-of-the-lab\n")
    source = {"kind": "inbox", "serves": SERVES, "token_file": "lab.token"}
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"sources": {"ward": source}}))
    key = base64.b64encode(MASTER).decode()
    return RuntimeSettings(home=tmp_path, master_key=key, crawl_seconds=0.1)


@pytest.fixture
async def ward(settings):
    async with AsyncExitStack() as stack:
        apps = await stack.enter_async_context(open_subgraphs([*SERVES, "governance"], settings))
        yield Graph(apps, {}, "")


async def push(ward, body: bytes, *headers):
    return await post(ward.apps["identity"], "/inbox/ward", body, list(headers or (TOKEN,)))


async def the_patient(ward):
    await settled(ward.apps["identity"])
    (patient,) = await ward.patients(9)
    return patient


async def results(ward, patient):
    answer = await ward.entities("diagnostics", f"... on Patient {{ {RESULTS} }}", patient)
    assert answer.errors == []
    return answer.data[0]["observations"]["nodes"]


async def test_an_admission_and_a_result_are_in_the_patients_graph(ward):
    status, answer = await push(ward, admitted())
    assert status == 200
    assert b"MSA|AA|A1|" in answer
    await push(ward, glucose("R1", "20260102120000+0000", "182"))
    patient = await the_patient(ward)
    assert await results(ward, patient) == [
        {"status": "final", "valueQuantity": {"value": "182", "unit": "mg/dL"}}
    ]
    answer = await ward.entities(
        "records",
        f"... on Patient {{ encounters {{ nodes {{ {VISIT} }} }} }}",
        patient,
    )
    assert answer.data[0]["encounters"]["nodes"] == [
        {
            "status": "in-progress",
            "encounterClass": {"code": "IMP"},
            "period": {"start": "2026-01-02T09:00:00+00:00"},
        }
    ]


async def test_a_corrected_result_takes_its_predecessors_place_whichever_comes_first(ward):
    await push(ward, glucose("R2", "20260102130000+0000", "118", status="C"))
    await push(ward, glucose("R1", "20260102120000+0000", "182"))
    assert await results(ward, await the_patient(ward)) == [
        {"status": "corrected", "valueQuantity": {"value": "118", "unit": "mg/dL"}}
    ]


async def test_a_merge_brings_the_facts_of_the_old_number_along(ward):
    await push(ward, glucose("R1", "20260102120000+0000", "182", mrn="12"))
    sent = "20260103100000+0000"
    merge = message("ADT^A40", "M1", sent, f"EVN|A40|{sent}", person(), "MRG|12^^^WARD^MR")
    await push(ward, merge)
    assert len(await results(ward, await the_patient(ward))) == 1


async def test_an_appointment_is_booked_and_cancelled(ward):
    times = "TQ1|||||||20270102093000+0000|20270102100000+0000"

    def siu(event, number, sent):
        sch = "SCH|P1|F1|||||Check"
        return message(f"SIU^{event}", number, sent, sch, times, person(), "RGS|1")

    await push(ward, siu("S12", "S1", "20260102100000+0000"))
    patient = await the_patient(ward)
    selection = "... on Patient { appointments { nodes { status start } } }"
    (booked,) = (await ward.entities("scheduling", selection, patient)).data
    assert booked["appointments"]["nodes"] == [
        {"status": "booked", "start": "2027-01-02T09:30:00+00:00"}
    ]
    await push(ward, siu("S15", "S2", "20260102110000+0000"))
    (cancelled,) = (await ward.entities("scheduling", selection, patient)).data
    assert [each["status"] for each in cancelled["appointments"]["nodes"]] == ["cancelled"]


@pytest.mark.parametrize(
    "headers",
    [[(b"x", b"y")], [(b"authorization", b"Bearer another")], [(b"authorization", b"Bearer ")]],
)
async def test_nobody_else_hands_in_anything(ward, headers):
    status, answer = await push(ward, admitted(), *headers)
    assert status == 401
    assert b"Roe" not in answer
    status, _ = await post(ward.apps["identity"], "/inbox/another", admitted(), [TOKEN])
    assert status == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"hello Roe", "this is no HL7 v2 message: it does not begin with MSH"),
        (message("MDM^T02", "D1", "2026", person()), "HL7 v2 MDM^T02 is not read here"),
        (message("ADT^A01", "A2", "2026"), "the ADT message is about nobody: it has no PID"),
    ],
)
async def test_what_is_not_taken_is_refused_with_its_reason(ward, body, told):
    status, answer = await push(ward, body)
    assert status == 422
    # What would break the answer's own delimiters is a blank in it.
    assert f"MSA|AR||{told.replace('^', ' ')}" in answer.decode()
    assert b"Roe" not in answer


async def test_a_caller_without_the_right_sees_nothing_of_it(ward):
    await push(ward, glucose("R1", "20260102120000+0000", "182"))
    patient = await the_patient(ward)
    billing = type(CLINICIAN)(subject="b", roles=("biller",), scopes=("user/Coverage.rs",))
    answer = await ward.entities(
        "diagnostics", f"... on Patient {{ {RESULTS} }}", patient, caller=billing
    )
    assert answer.data[0]["observations"] is None or not answer.data[0]["observations"]["nodes"]


def test_files_are_loaded_once_and_bad_ones_named(settings, monkeypatch):
    home = settings.home
    monkeypatch.setenv("CHARTGRAPH_HOME", str(home))
    monkeypatch.setenv("CHARTGRAPH_MASTER_KEY", settings.master_key)
    monkeypatch.setenv("COLUMNS", "200")
    (home / "good.hl7").write_bytes(admitted())
    (home / "bad.hl7").write_bytes(b"nothing")

    def load(*arguments):
        return CliRunner().invoke(cli, ["inbox", "load", *arguments])

    good, bad = str(home / "good.hl7"), str(home / "bad.hl7")
    first = load("ward", good)
    assert first.exit_code == 0, first.output
    assert "taken" in first.stdout
    assert "known already" in load("ward", good).stdout
    refused = load("ward", good, bad)
    assert refused.exit_code == 1
    assert "does not begin with MSH" in refused.stdout
    unknown = load("lab", good)
    assert unknown.exit_code != 0
    assert "no source lab" in unknown.output
