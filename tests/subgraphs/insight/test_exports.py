"""Exports on their way into the store: whole, in parts, again; and what lies on disk."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from contract.errors import Code
from subgraphs.connectors.errors import SourceState
from subgraphs.insight import notes
from subgraphs.insight.sources.bulk import Refresher
from subgraphs.insight.store import store as storing
from subgraphs.insight.store.database import FILE, StoreUnreadableError
from subgraphs.insight.store.store import open_insight_store
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.errors import ClientError
from tests.subgraphs.connectors.bulk.source import AS_OF, BASE, JOB, Source, ndjson
from tests.subgraphs.insight.population import (
    MEASURES,
    condition,
    labelled,
    observed,
    patient,
    vaccination,
)
from tests.subgraphs.signed import KEY

AT = datetime(2026, 11, 22, 7, tzinfo=UTC)
LATER = "2026-11-22T09:00:00.000Z"
NAME = [{"family": "Lovelace", "given": ["Augusta"]}]
ADA = patient("ada-4711", "1961-02-03") | {"name": NAME}
DISEASE = condition("ada-4711", "E11.9")
MEASURED = observed("ada-4711", "4548-4", "2026-01-01", 7)


class Index:
    """`AccessFacts` that knows everybody, unless told otherwise."""

    def __init__(self):
        self.known = True
        self.fails = False

    async def persons(self, members):
        if self.fails:
            raise ClientError(Code.SUBGRAPH_UNAVAILABLE)
        if not self.known:
            return {}
        return {m: Person(f"person-{m.id}", (m,), "1961-02-03") for m in members}


@pytest.fixture
async def store(tmp_path):
    opened = await open_insight_store(tmp_path, KEY, MEASURES, memory_mb=128)
    yield opened
    await opened.close()


def offering(*resources, source=None, **manifest):
    """A source whose export has a file of each type."""
    source = source or Source()
    files = {}
    for each in resources:
        files.setdefault(each["resourceType"], []).append(each)
    source.files |= {f"{BASE}/{type_}": [ndjson(*rows)] for type_, rows in files.items()}
    output = [{"type": t, "url": f"{BASE}/{t}", "count": len(rows)} for t, rows in files.items()]
    source.manifest = {"output": output, **manifest}
    return source


def refresher(store, source, index=None, **options):
    told = options.setdefault("told", [])
    exporters = {"ehr": source.exporter()}
    return Refresher(
        store, exporters, index or Index(), options.get("now", lambda: AT), told.append
    )


async def rows(store, table="fact", columns="concept, value"):
    found = await store.read(lambda c: c.execute(f"SELECT {columns} FROM {table}").fetchall())
    return sorted(map(str, found))


async def count(store, table="fact"):
    return len(await rows(store, table, "*"))


async def test_reads_what_measures_speak_of_and_nothing_else(store):
    other = observed("ada-4711", "2345-7", "2026-01-01", 90, "mg/dL")
    source = offering(DISEASE, MEASURED, other, ADA)
    assert await refresher(store, source).refresh()
    assert await rows(store, columns="concept") == ["('a1c',)", "('diabetes',)"]
    (export,) = await store.exports()
    assert (export.state, export.as_of, export.rows) == (SourceState.OK, AS_OF, 4)
    # The patients' file is read first: labels may depend on how old somebody was.
    assert source.paths() == [
        "GET /fhir/Patient/$export",
        "GET /fhir/_export/1",
        "GET /fhir/Patient",
        "GET /fhir/Condition",
        "GET /fhir/Observation",
        "DELETE /fhir/_export/1",
    ]
    assert await rows(store, "member", "person, birth, sex") == [
        "('person-ada-4711', datetime.date(1961, 2, 3), 'female')"
    ]


async def test_what_lies_on_disk_names_nobody(store, tmp_path):
    noted = {**DISEASE, "note": [{"text": "Lovelace was here"}]}
    await refresher(store, offering(ADA, noted, MEASURED)).refresh()
    before = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await store.close()
    after = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert len(after) > 10_000
    for told in (b"Lovelace", b"Augusta", b"ada-4711", b"1961-02-03", b"diabetes", b"Patient"):
        assert told not in before
        assert told not in after
    reopened = await open_insight_store(tmp_path, KEY, MEASURES, memory_mb=128)
    # Nor is a name in it for whoever has the key.
    everything = [str(await rows(reopened, table, "*")) for table in ("fact", "member", "export")]
    assert "Lovelace" not in "".join(everything)
    await reopened.close()


async def test_another_key_reads_nothing(store, tmp_path):
    await store.close()
    with pytest.raises(StoreUnreadableError, match="remove it") as raised:
        await open_insight_store(tmp_path, b"o" * 32, MEASURES, memory_mb=128)
    assert KEY.decode() not in str(raised.value)
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreUnreadableError):
        await open_insight_store(tmp_path, KEY, MEASURES, memory_mb=128)


async def test_asks_again_for_what_has_changed_since(store):
    source = offering(ADA, DISEASE, MEASURED)
    working = refresher(store, source)
    await working.refresh()
    newer = {**MEASURED, "valueQuantity": {"value": 9.5, "unit": "%"}}
    offering(newer, source=source, transactionTime=LATER)
    source.asked.clear()
    await working.refresh()
    assert source.asked[0].url.params["_since"] == AS_OF
    # The newer one in place of the older, and the rest as it was.
    assert await rows(store) == ["('a1c', Decimal('9.500000'))", "('diabetes', None)"]
    assert (await store.exports())[0].as_of == LATER


async def test_what_is_no_longer_said_is_forgotten(store):
    source = offering(ADA, DISEASE, MEASURED)
    working = refresher(store, source)
    await working.refresh()
    offering({**MEASURED, "status": "entered-in-error"}, source=source)
    await working.refresh()
    assert await rows(store, columns="concept") == ["('diabetes',)"]


async def test_what_is_deleted_is_forgotten(store):
    source = offering(ADA, labelled(DISEASE, "R"), MEASURED)
    working = refresher(store, source)
    await working.refresh()
    entry = [{"request": {"method": "DELETE", "url": f"Observation/{MEASURED['id']}"}}]
    source.files[f"{BASE}/gone"] = [ndjson({"resourceType": "Bundle", "entry": entry})]
    gone = {"deleted": [{"type": "Bundle", "url": f"{BASE}/gone"}]}
    offering(source=source, **gone)
    await working.refresh()
    assert await rows(store, columns="concept") == ["('diabetes',)"]
    entry[0]["request"]["url"] = f"Patient/{ADA['id']}"
    source.files[f"{BASE}/gone"] = [ndjson({"resourceType": "Bundle", "entry": entry})]
    await working.refresh()
    # With the patient all that is told of her goes.
    assert [await count(store, t) for t in ("fact", "member", "sensitive")] == [0, 0, 0]


async def test_once_a_week_everything_is_read_anew(store):
    clock = [AT]
    source = offering(ADA, DISEASE, MEASURED)
    working = refresher(store, source, now=lambda: clock[0])
    await working.refresh()
    # Nobody told of it, as no server has to.
    del source.files[f"{BASE}/Observation"]
    offering(ADA, DISEASE, source=source)
    clock[0] = AT + storing.WHOLE_AFTER
    source.asked.clear()
    await working.refresh()
    assert "_since" not in source.asked[0].url.params
    assert await rows(store, columns="concept") == ["('diabetes',)"]


async def test_other_concepts_want_everything(store, tmp_path):
    source = offering(ADA, DISEASE)
    await refresher(store, source).refresh()
    store.measures = type(MEASURES)({**MEASURES.concepts, "more": MEASURES.concepts["a1c"]}, {})
    plan = await store.begin("ehr", AT + timedelta(minutes=1))
    assert plan.since is None


class TestWhatGoesWrong:
    async def test_an_export_with_errors_is_not_whole(self, store):
        issue = {"severity": "error", "code": "exception"}
        source = offering(ADA, DISEASE, error=[{"type": "OperationOutcome", "url": f"{BASE}/bad"}])
        source.files[f"{BASE}/bad"] = [
            ndjson({"resourceType": "OperationOutcome", "issue": [issue]})
        ]
        assert not await refresher(store, source).refresh()
        (export,) = await store.exports()
        assert (export.state, export.as_of) == (SourceState.INVALID, None)
        # What was read is there, and the next one asks for all of it again.
        assert await count(store) == 1
        assert (await store.begin("ehr", AT)).since is None

    async def test_a_file_that_breaks_off_is_read_again(self, store):
        source = offering(ADA, DISEASE, MEASURED)
        whole = source.files[f"{BASE}/Condition"][0]
        source.files[f"{BASE}/Condition"] = [whole[:-20], whole]
        assert await refresher(store, source).refresh()
        assert await count(store) == 2
        assert source.paths().count("GET /fhir/Condition") == 2
        assert source.paths().count("GET /fhir/Patient") == 1

    async def test_another_process_goes_on_where_one_left_off(self, store):
        source = offering(ADA, DISEASE, MEASURED)
        whole = source.files[f"{BASE}/Observation"]
        source.files[f"{BASE}/Observation"] = [b"{"]
        working = refresher(store, source)
        plan = await store.begin("ehr", AT)
        await store.note_job("ehr", JOB)
        await store.note_done("ehr", f"{BASE}/Patient")
        source.files[f"{BASE}/Observation"] = whole
        assert await working.refresh()
        # No new job, and the file that was done is not read again.
        assert source.paths() == [
            "GET /fhir/_export/1",
            "GET /fhir/Condition",
            "GET /fhir/Observation",
            "DELETE /fhir/_export/1",
        ]
        assert (await store.begin("ehr", AT)).round == plan.round + 1

    async def test_a_job_that_is_gone_is_begun_anew(self, store):
        source = offering(ADA, DISEASE)
        source.polls = [httpx2.Response(404)]
        await store.begin("ehr", AT)
        await store.note_job("ehr", JOB)
        working = refresher(store, source)
        assert not await working.refresh()
        assert await working.refresh()
        assert await count(store) == 1

    async def test_one_unreadable_record_does_not_hide_the_others(self, store):
        bad = [{**DISEASE, "id": "b1", "code": "E11.9"}, {**DISEASE, "id": "b2", "subject": {}}]
        assert await refresher(store, offering(ADA, DISEASE, *bad)).refresh()
        (export,) = await store.exports()
        assert (export.state, export.unreadable) == (SourceState.INVALID, 2)
        assert (export.as_of, await count(store)) == (AS_OF, 1)

    async def test_a_source_that_fails_keeps_what_it_told(self, store):
        source = offering(ADA, DISEASE)
        working = refresher(store, source)
        await working.refresh()
        source.polls = [httpx2.Response(403)]
        assert not await working.refresh()
        (export,) = await store.exports()
        assert (export.state, export.as_of) == (SourceState.REFUSED, AS_OF)
        assert await count(store) == 1

    async def test_without_identity_nobody_is_anybodys(self, store):
        index = Index()
        index.fails = True
        working = refresher(store, offering(ADA, DISEASE), index)
        await working.refresh()
        assert await rows(store, "member", "person") == ["(None,)"]
        index.fails = False
        assert await working.resolve(everybody=False) == 0
        assert await rows(store, "member", "person") == ["('person-ada-4711',)"]


async def test_what_went_wrong_is_told_without_phi(store, caplog, capsys):
    bad = {**DISEASE, "subject": {"reference": "Lovelace"}}
    source = offering(ADA, bad)
    source.files[f"{BASE}/Condition"] = [b'{"resourceType": "Condition", "note": "Lovelace']
    await refresher(store, source).refresh()
    assert "Lovelace" not in caplog.text + str(capsys.readouterr())


async def test_the_event_loop_goes_on_while_it_reads(store):
    people = [patient(f"p{number}") for number in range(3000)]
    given = [vaccination(f"p{number}", "140", "2026-10-01") for number in range(3000)]
    beats = 0

    async def beat():
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    await refresher(store, offering(*people, *given)).refresh()
    beating.cancel()
    # Each of the six batches and more waits in a thread.
    assert beats > 100
    assert await count(store) == 3000


async def test_operators_see_how_it_goes_and_may_hurry_it(store, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert notes.read_progress(home) is None
    source = offering(ADA, DISEASE)
    exporters = {"ehr": source.exporter()}
    rounds = asyncio.Queue()

    def report(progress):
        notes.write_progress(home, progress)
        if not progress.is_running:
            rounds.put_nowait(progress)

    working = Refresher(store, exporters, Index(), lambda: AT, report)
    tasks = [
        asyncio.create_task(working.keep_fresh(3600)),
        asyncio.create_task(notes.heed(home, working.ask)),
    ]
    first = await asyncio.wait_for(rounds.get(), 20)
    assert (first.rounds, first.unknown) == (1, 0)
    notes.leave_word(home)
    second = await asyncio.wait_for(rounds.get(), 20)
    assert second.rounds == 2
    assert notes.read_progress(home) == second
    assert not (home / notes.WORD).exists()
    assert "4711" not in (home / notes.PROGRESS).read_text()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
