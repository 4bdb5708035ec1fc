"""An export from its kick-off to its clearing, with servers that do well, badly, or nothing."""

import httpx2
import pytest

from subgraphs.connectors.bulk.exporter import PATIENCE, UnderWay
from subgraphs.connectors.bulk.manifest import File, Manifest, read_manifest
from subgraphs.connectors.errors import (
    Expired,
    ProtocolViolation,
    Refused,
    TimedOut,
    Unavailable,
)
from tests.subgraphs.connectors.bulk.source import (
    AS_OF,
    BASE,
    FILES,
    JOB,
    Source,
    ndjson,
    under_way,
)

PATIENTS = [{"resourceType": "Patient", "id": str(number)} for number in range(3)]


async def rows(exporter, manifest, file):
    return [row async for batch in exporter.rows(manifest, file) for row in batch]


@pytest.mark.parametrize(
    ("of", "path"),
    [
        ("Patient", "/fhir/Patient/$export"),
        ("system", "/fhir/$export"),
        ("Group/g-1", "/fhir/Group/g-1/$export"),
    ],
)
async def test_asks_for_types_and_for_what_has_changed_since(of, path):
    source = Source()
    filters = ("Observation?code=4548-4", "Encounter?status=finished")
    exporter = source.exporter(of=of, type_filters=filters)
    assert await exporter.start(["Patient", "Observation"], AS_OF) == JOB
    (asked,) = source.asked
    assert asked.url.path == path
    assert asked.headers["Prefer"] == "respond-async"
    assert dict(asked.url.params) == {
        "_outputFormat": "application/fhir+ndjson",
        "_type": "Patient,Observation",
        "_since": AS_OF,
        # One of a type that is not asked for would be an error of ours.
        "_typeFilter": "Observation?code=4548-4",
    }


async def test_waits_as_long_as_it_is_asked_to_and_no_longer_than_it_may():
    source = Source(
        polls=[under_way(Retry_After="5"), under_way(), under_way(), under_way(Retry_After="9999")]
    )
    found = await source.exporter(max_pause=60).finished(JOB)
    assert found.transaction_time == AS_OF
    # Where nothing is asked for, each pause is twice the one before.
    assert source.pauses == [5, 2, 4, 60]


async def test_a_retry_after_of_nothing_makes_no_busy_loop():
    source = Source(polls=[under_way(Retry_After="0")] * 3)
    await source.exporter().finished(JOB)
    assert source.pauses == [1, 1, 1]


async def test_asked_too_often_it_asks_less_often():
    busy = httpx2.Response(429, headers={"Retry-After": "30"})
    source = Source(polls=[busy, busy, busy])
    await source.exporter().finished(JOB)
    assert set(source.pauses) == {30}


async def test_a_job_that_never_ends_is_cancelled():
    source = Source(polls=[under_way(Retry_After="40")] * 9)
    with pytest.raises(TimedOut, match="longer"):
        await source.exporter(max_wait=100, max_pause=50).finished(JOB)
    assert sum(source.pauses) <= 100
    assert source.paths()[-1] == "DELETE /fhir/_export/1"


async def test_a_server_that_stays_down_is_given_up():
    source = Source(polls=[httpx2.Response(500)] * 99)
    with pytest.raises(Unavailable):
        await source.exporter().finished(JOB)
    assert len(source.pauses) == PATIENCE - 1


@pytest.mark.parametrize("status", [404, 410])
async def test_a_job_and_a_file_that_are_gone_are_told_as_such(status):
    source = Source(polls=[httpx2.Response(status)])
    with pytest.raises(Expired):
        await source.exporter().finished(JOB)
    exporter = Source().exporter()
    gone = httpx2.MockTransport(lambda _: httpx2.Response(status))
    exporter._client._transport._network = gone
    with pytest.raises(Expired):
        await rows(exporter, Manifest(AS_OF), File(f"{BASE}/files/1"))


async def test_a_job_elsewhere_is_not_asked_for():
    source = Source()
    with pytest.raises(ProtocolViolation, match="another server"):
        await source.exporter().poll("https://evil.example/job")
    assert source.asked == []


async def test_no_location_is_no_export():
    exporter = Source().exporter()
    exporter._client._transport._network = httpx2.MockTransport(lambda _: httpx2.Response(202))
    with pytest.raises(ProtocolViolation):
        await exporter.start(["Patient"])


async def test_a_location_may_be_relative():
    exporter = Source().exporter()
    answer = httpx2.Response(202, headers={"Content-Location": "/fhir/_export/7"})
    exporter._client._transport._network = httpx2.MockTransport(lambda _: answer)
    assert await exporter.start(["Patient"]) == "https://ehr.example/fhir/_export/7"


@pytest.mark.parametrize("time", ["", "today", "2026-11-22", "2026-11-22T06:00:00"])
def test_a_manifest_says_as_of_when_it_is_whole(time):
    with pytest.raises(ProtocolViolation, match="whole"):
        read_manifest(f'{{"transactionTime": "{time}"}}'.encode())


class TestTokens:
    @pytest.fixture
    def source(self, tmp_path):
        (tmp_path / "token").write_text("secret")
        files = {
            f"{BASE}/files/1": [ndjson(*PATIENTS)],
            f"{FILES}/1": [ndjson(*PATIENTS)],
            "https://evil.example/1": [ndjson(*PATIENTS)],
        }
        return Source(files=files, token_file=tmp_path / "token")

    @pytest.mark.parametrize("url", [f"{BASE}/files/1", f"{FILES}/1"])
    @pytest.mark.parametrize("requires", [True, False])
    async def test_a_file_is_sent_one_only_where_it_is_required(self, source, url, requires):
        manifest = Manifest(AS_OF, requires_access_token=requires)
        exporter = source.exporter(file_hosts=("https://files.example",))
        assert len(await rows(exporter, manifest, File(url))) == 3
        assert source.asked[-1].headers.get("Authorization") == (
            "Bearer secret" if requires else None
        )

    @pytest.mark.parametrize("requires", [True, False])
    async def test_another_server_is_not_even_asked(self, source, requires):
        manifest = Manifest(AS_OF, requires_access_token=requires)
        with pytest.raises(ProtocolViolation, match="another server"):
            await rows(source.exporter(), manifest, File("https://evil.example/1"))
        assert source.asked == []

    async def test_searches_never_go_to_where_files_are(self, source):
        exporter = source.exporter(file_hosts=("https://files.example",))
        with pytest.raises(ProtocolViolation, match="another server"):
            await exporter.poll(f"{FILES}/1")

    async def test_one_that_was_refused_is_told(self, source):
        exporter = source.exporter()
        exporter._client._transport._network = httpx2.MockTransport(lambda _: httpx2.Response(401))
        with pytest.raises(Refused):
            await rows(
                exporter, Manifest(AS_OF, requires_access_token=True), File(f"{BASE}/files/1")
            )


class TestFiles:
    async def read(self, *parts, count=None, **settings):
        async def body():
            for part in parts:
                yield part

        exporter = Source().exporter(**settings)
        headers = {"Content-Type": "application/ndjson; charset=utf-8"}
        answer = httpx2.Response(200, content=body(), headers=headers)
        exporter._client._transport._network = httpx2.MockTransport(lambda _: answer)
        return await rows(exporter, Manifest(AS_OF), File(f"{BASE}/files/1", "Patient", count))

    async def test_lines_need_not_arrive_whole(self):
        body = ndjson(*PATIENTS)
        parts = [body[at : at + 7] for at in range(0, len(body), 7)]
        assert [row.id for row in await self.read(*parts, count=3)] == ["0", "1", "2"]

    async def test_line_ends_of_every_kind(self):
        body = ndjson(*PATIENTS).replace(b"\n", b"\r\n\r\n").rstrip()
        assert [row.id for row in await self.read(body)] == ["0", "1", "2"]

    async def test_an_empty_file_is_one(self):
        assert await self.read(b"", count=0) == []

    @pytest.mark.parametrize("cut", [1, 2, 20])
    async def test_what_breaks_off_is_no_file(self, cut):
        body = ndjson(*PATIENTS).rstrip()
        with pytest.raises(ProtocolViolation):
            await self.read(body[:-cut])

    async def test_what_breaks_off_between_two_lines_is_told_by_its_count(self):
        with pytest.raises(ProtocolViolation, match="fewer"):
            await self.read(ndjson(*PATIENTS[:2]), count=3)

    @pytest.mark.parametrize(
        "line", [b"<html>\n", b"[]\n", b'{"id": "1"}\n', b"\xff\xfe\n", b"7\n"]
    )
    async def test_a_line_that_is_no_resource(self, line):
        with pytest.raises(ProtocolViolation):
            await self.read(ndjson(PATIENTS[0]), line)

    async def test_is_bounded_in_all(self):
        with pytest.raises(ProtocolViolation, match="larger"):
            await self.read(*[ndjson(*PATIENTS)] * 100, max_file_bytes=1024)


class TestWhatIsGone:
    async def read(self, *bundles, url=f"{BASE}/gone"):
        source = Source(files={url: [ndjson(*bundles)]})
        batches = source.exporter().deletions(Manifest(AS_OF), File(url, "Bundle"))
        return [each async for batch in batches for each in batch]

    async def test_is_told_by_transactions(self):
        entries = [
            {"request": {"method": "DELETE", "url": "Patient/1"}},
            {"request": {"method": "DELETE", "url": f"{BASE}/Observation/o-2"}},
            {"request": {"method": "PUT", "url": "Patient/3"}},
            {"request": {"method": "DELETE", "url": "Patient?identifier=4"}},
            {"fullUrl": "urn:uuid:5"},
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        assert await self.read(bundle, {"resourceType": "Bundle"}) == [
            ("Patient", "1"),
            ("Observation", "o-2"),
        ]

    async def test_or_cannot_be_read(self):
        with pytest.raises(ProtocolViolation):
            await self.read({"resourceType": "Bundle", "entry": "all"})


async def test_complaints_are_told_by_code_and_never_in_words():
    issues = [
        {"severity": "error", "code": "exception", "diagnostics": "Lovelace"},
        {"severity": "fatal", "code": "Lovelace"},
        {"severity": "information", "code": "informational"},
    ]
    told = [{"resourceType": "OperationOutcome", "issue": issues}] * 2
    source = Source(files={f"{BASE}/errors": [ndjson(*told)]})
    manifest = Manifest(AS_OF, error=(File(f"{BASE}/errors", "OperationOutcome"),))
    assert await source.exporter().complaints(manifest) == {"exception": 2, "unknown": 2}
    assert "errors" not in repr(manifest)


async def test_a_poll_tells_when_to_come_back():
    source = Source(polls=[under_way(Retry_After="7")])
    assert await source.exporter().poll(JOB) == UnderWay(7.0)


async def test_clearing_asks_once_and_minds_no_refusal():
    exporter = Source().exporter()
    exporter._client._transport._network = httpx2.MockTransport(lambda _: httpx2.Response(405))
    await exporter.clear(JOB)
