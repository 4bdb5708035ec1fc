"""C-CDA documents become part of a patient's graph, by route and by file, each version for all."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack

import pytest
import yaml
from typer.testing import CliRunner

from chartgraph.cli import app as cli
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings
from tests.shared_data import shared_data
from tests.subgraphs.conftest import MASTER, Graph, settled
from tests.subgraphs.signed import post

pytestmark = pytest.mark.shared_data

TOKEN = (b"authorization", b"Bearer a-token-of-the-clinic")
SERVES = ["identity", "records", "diagnostics"]
RECORDS = """... on Patient {
  conditions { nodes { code { text } onset abatement } }
  allergies { nodes { code { text } } }
  procedures { nodes { code { text } status } }
  immunizations { nodes { vaccineCode { text } status occurrence } }
  encounters { nodes { period { start } } }
}"""


def document(name: str = "C-CDA_R2-1_CCD.xml.ccda") -> bytes:
    return shared_data("ccda", name).read_bytes()


def version(number: int, content: bytes) -> bytes:
    told = f'<versionNumber value="{number}"/>'.encode()
    return content.replace(b'<versionNumber value="1"/>', told)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "clinic.token").write_bytes(b"a-token-of-the-clinic\n")
    source = {"kind": "inbox", "serves": SERVES, "token_file": "clinic.token"}
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"sources": {"clinic": source}}))
    key = base64.b64encode(MASTER).decode()
    return RuntimeSettings(home=tmp_path, master_key=key, crawl_seconds=0.1)


@pytest.fixture
async def clinic(settings):
    async with AsyncExitStack() as stack:
        apps = await stack.enter_async_context(open_subgraphs([*SERVES, "governance"], settings))
        yield Graph(apps, {}, "")


async def push(clinic, content: bytes):
    status, answer = await post(clinic.apps["identity"], "/inbox/clinic", content, [TOKEN])
    return status, json.loads(answer)


async def told(clinic, subgraph: str, selection: str):
    await settled(clinic.apps["identity"])
    (patient,) = await clinic.patients(9)
    answer = await clinic.entities(subgraph, selection, patient)
    assert answer.errors == []
    return answer.data[0]


async def test_a_document_is_in_the_patients_graph(clinic):
    status, answer = await push(clinic, document())
    assert (status, answer["new"]) == (200, True)
    assert answer["kept"]["Condition"] == 4
    assert answer["leftOut"]["medication"] == 2
    records = await told(clinic, "records", RECORDS)
    conditions = {
        (each["code"]["text"], each["onset"], each["abatement"])
        for each in records["conditions"]["nodes"]
    }
    assert conditions == {
        ("Pneumonia", "2013-07-03", "2008-08-14"),
        ("Angina", "2007-04-17", None),
        ("Chest pain", "2007-04-14", None),
        ("Pneumonia", "1998-03-10", "1998-03-16"),
    }
    assert texts(records["allergies"]) == ["Codeine", "Penicillin"]
    # Two were done in a place without an id, which the converter alone would lose them for.
    assert texts(records["procedures"]) == [
        "Colonic polypectomy",
        "Colonic polypectomy",
        "Colonoscopy",
        "Stent Placement",
    ]
    given = [
        (each["vaccineCode"]["text"], each["occurrence"])
        for each in records["immunizations"]["nodes"]
        if each["status"] == "completed"
    ]
    assert sorted(given) == [
        ("Hepatitis B vaccine", "2013-08-01"),
        ("Influenza virus vaccine", "1999-11"),
        ("Pneumococcal polysaccharide vaccine", "1998-12-15"),
    ]
    (encounter,) = records["encounters"]["nodes"]
    assert encounter["period"] == {"start": "2012-09-27T13:00:00+05:00"}


async def test_results_are_in_the_patients_graph_as_exact_as_written(clinic):
    await push(clinic, document().replace(b'value="13.2"', b'value="13.20"'))
    assert "13.20 g/dL" in await quantities(clinic)


async def test_a_document_is_taken_once(clinic):
    await push(clinic, document())
    status, answer = await push(clinic, document())
    assert (status, answer["new"]) == (200, False)
    assert len((await told(clinic, "records", RECORDS))["conditions"]["nodes"]) == 4


async def test_a_later_version_takes_the_formers_place_whichever_comes_first(clinic):
    later = document().replace(b'value="13.2"', b'value="14.1"')
    # What the later version does not tell any more holds no more.
    start = later.index(b"<title>IMMUNIZATIONS")
    end = later.index(b"</section>", start)
    first = later.index(b"<entry ", start)
    later = version(2, later[:first] + later[end:])
    for content, is_new in ((document(), True), (later, True), (version(1, document()), False)):
        _, answer = await push(clinic, content)
        assert answer["new"] is is_new
    changed = document().replace(b"201308151030-0800", b"201308151031-0800")
    assert (await push(clinic, changed))[1]["new"] is False
    found = await quantities(clinic)
    assert "14.1 g/dL" in found
    assert "13.2 g/dL" not in found
    records = await told(clinic, "records", RECORDS)
    assert records["immunizations"]["nodes"] == []
    assert len(records["conditions"]["nodes"]) == 4


async def test_documents_of_one_id_about_two_people_are_two(clinic):
    """As published examples are, which were copied from each other."""
    for name in ("C-CDA_R2-1_CCD.xml.ccda", "Discharge_Summary.ccda", "CCD.ccda"):
        assert (await push(clinic, document(name)))[1]["new"] is True
    await settled(clinic.apps["identity"])
    assert len(await clinic.patients(9)) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<Roe/>", "XML that is no ClinicalDocument is not read here"),
        (b"<ClinicalDocument", "the document is not well-formed XML"),
        (b"<!DOCTYPE Roe><Roe/>", "the document has a document type (DTD), which is not accepted"),
    ],
)
async def test_what_is_not_taken_is_refused_with_its_reason(clinic, content, reason):
    assert await push(clinic, content) == (422, {"refused": reason})


def test_files_are_loaded_and_what_is_left_out_is_told(settings, monkeypatch):
    home = settings.home
    monkeypatch.setenv("CHARTGRAPH_HOME", str(home))
    monkeypatch.setenv("CHARTGRAPH_MASTER_KEY", settings.master_key)
    monkeypatch.setenv("COLUMNS", "200")
    (home / "bad.xml").write_bytes(b"<?xml version='1.0'?><Roe>")
    files = [str(shared_data("ccda", "Discharge_Summary.ccda")), str(home / "bad.xml")]

    def load(*arguments):
        return CliRunner().invoke(cli, ["inbox", "load", "clinic", *arguments])

    taken = load(files[0])
    assert taken.exit_code == 0, taken.output
    assert "1 family history, 1 medication, 1 plan, 9 section of text alone" in taken.stdout
    assert "known already" in load(files[0]).stdout
    refused = load(*files)
    assert refused.exit_code == 1
    assert "not well-formed XML" in refused.stdout


async def quantities(clinic) -> set[str]:
    selection = "observations(first: 50) { nodes { valueQuantity { value unit } } }"
    patient = await told(clinic, "diagnostics", f"... on Patient {{ {selection} }}")
    values = (each["valueQuantity"] for each in patient["observations"]["nodes"])
    return {f"{each['value']} {each['unit']}" for each in values if each}


def texts(connection) -> list[str]:
    return sorted(each["code"]["text"] for each in connection["nodes"])
