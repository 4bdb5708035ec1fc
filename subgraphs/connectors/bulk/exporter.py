"""One FHIR server's exports: begun, waited for, read file by file, and cleared away.

    start → job → (poll …) finished → manifest → rows / deletions / complaints of each file → clear

Every step stands alone, so that whoever keeps the job's address and the files that are done goes on
where another process left off. https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec

from subgraphs.connectors.bulk.lines import Row, rows_of
from subgraphs.connectors.bulk.manifest import File, Manifest, read_manifest
from subgraphs.connectors.errors import (
    CircuitOpen,
    Expired,
    ProtocolViolation,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    Unreachable,
    UpstreamError,
)
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from subgraphs.connectors.status import ISSUE_CODES, retry_after
from subgraphs.connectors.transport import Manner, origin_of

NDJSON: Final = (
    "application/fhir+ndjson",
    "application/ndjson",
    "application/x-ndjson",
    # Files in a store of objects rarely say what they are.
    "application/octet-stream",
    "binary/octet-stream",
)
FIRST_PAUSE: Final = 1.0
"""Seconds; each pause is twice the one before where the server names none."""
PATIENCE: Final = 5
"""Failures in a row after which a job is given up; they say nothing of how the job does."""
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PASSING = (RateLimited, Unavailable, Unreachable, TimedOut, CircuitOpen)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An export that is not ready; `retry_after` as the server asks, in seconds."""

    retry_after: float | None


class Exporter:
    """One per source that has `bulk` settings; `client` comes from `open_client`."""

    def __init__(
        self,
        config: FhirSource,
        client: httpx2.AsyncClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.config = config
        self._bulk = config.bulk or BulkExport()
        self._client = client
        self._sleep = sleep
        self._origins = frozenset({origin_of(config.url), *map(origin_of, self._bulk.file_hosts)})

    async def start(self, types: Sequence[str], since: str | None = None) -> str:
        """Have these types exported, as far as they changed since; the address of the job."""
        prefix = "" if self._bulk.of == "system" else f"{self._bulk.of}/"
        params = {"_outputFormat": NDJSON[0], "_type": ",".join(types)}
        if since is not None:
            params["_since"] = since
        filters = [f for f in self._bulk.type_filters if f.partition("?")[0] in types]
        if filters:
            params["_typeFilter"] = ",".join(filters)
        answer = await self._client.get(
            f"{prefix}$export", params=params, headers={"Prefer": "respond-async"}
        )
        location = answer.headers.get("Content-Location", "")
        if answer.status_code != HTTPStatus.ACCEPTED or not location:
            raise ProtocolViolation("the source does not say where its export will be")
        return str(httpx2.URL(self.config.url).join(location))

    async def poll(self, job: str) -> Manifest | UnderWay:
        """What has come of a job; `Expired` where the server knows it no more."""
        try:
            answer = await self._client.get(job)
        except Rejected as error:
            if error.status in _GONE:
                raise Expired("the source knows this export no more") from None
            raise
        if answer.status_code == HTTPStatus.ACCEPTED:
            return UnderWay(retry_after(answer.headers))
        return read_manifest(answer.content)

    async def finished(self, job: str) -> Manifest:
        """Wait for a job; `TimedOut`, with the job cancelled, once `max_wait` has passed."""
        waited, pause, failures = 0.0, FIRST_PAUSE, 0
        while True:
            try:
                found = await self.poll(job)
            except _PASSING as error:
                failures += 1
                if failures >= PATIENCE:
                    raise
                wanted = error.retry_after
            else:
                if isinstance(found, Manifest):
                    return found
                failures, wanted = 0, found.retry_after
            wait = min(pause if wanted is None else max(wanted, FIRST_PAUSE), self._bulk.max_pause)
            waited, pause = waited + wait, pause * 2
            if waited > self._bulk.max_wait:
                await self.clear(job)
                raise TimedOut("the source's export takes longer than is waited for")
            await self._sleep(wait)

    async def rows(self, manifest: Manifest, file: File) -> AsyncIterator[list[Row]]:
        """The resources of one file as they arrive; `Expired` where it is no longer there.

        Whoever breaks off reads the file again from its start: an upstream promises no more.
        """
        count = 0
        async with self._open(manifest, file) as answer:
            found = rows_of(
                answer.aiter_bytes(),
                max_line=self.config.max_response_bytes,
                max_bytes=self._bulk.max_file_bytes,
            )
            async for batch in found:
                count += len(batch)
                yield batch
        if file.count is not None and count < file.count:
            raise ProtocolViolation("the source's file holds fewer resources than announced")

    async def deletions(
        self, manifest: Manifest, file: File
    ) -> AsyncIterator[list[tuple[str, str]]]:
        """Type and id of what is no more: transactions of `DELETE` entries, one on each line."""
        async for batch in self.rows(manifest, file):
            yield [each for row in batch for each in _deleted(row)]

    async def complaints(self, manifest: Manifest) -> Mapping[str, int]:
        """Issues of the error files by code; their words may hold PHI and are not read.

        Notes for information, such as of a parameter that was ignored, are none.
        """
        codes: Counter[str] = Counter()
        for file in manifest.error:
            async for batch in self.rows(manifest, file):
                codes.update(code for row in batch for code in _issues(row))
        return codes

    async def clear(self, job: str) -> None:
        """Cancel a job, or have its files removed; a server that will not is left alone."""
        with contextlib.suppress(UpstreamError):
            await self._client.delete(job)

    @contextlib.asynccontextmanager
    async def _open(self, manifest: Manifest, file: File) -> AsyncIterator[httpx2.Response]:
        manner = Manner(
            media_types=NDJSON,
            is_stream=True,
            with_token=manifest.requires_access_token,
            origins=self._origins,
        )
        extensions = {"manner": manner, "timeout": self._client.timeout.as_dict()}
        asked = self._client.stream(
            "GET", file.url, headers={"Accept": NDJSON[0]}, extensions=extensions
        )
        try:
            async with asked as answer:
                yield answer
        except Rejected as error:
            if error.status in _GONE:
                raise Expired("a file of the source's export is no longer there") from None
            raise
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise ProtocolViolation("the source's manifest names no address of a file") from None


class _Request(msgspec.Struct):
    method: str = ""
    url: str = ""


class _Entry(msgspec.Struct):
    request: _Request = msgspec.field(default_factory=_Request)


class _Bundle(msgspec.Struct):
    entry: tuple[_Entry, ...] = ()


class _Issue(msgspec.Struct):
    severity: str = ""
    code: str = ""


class _Outcome(msgspec.Struct):
    issue: tuple[_Issue, ...] = ()


def _deleted(row: Row) -> list[tuple[str, str]]:
    try:
        bundle = msgspec.json.decode(row.raw, type=_Bundle)
    except msgspec.ValidationError:
        raise ProtocolViolation("what the source deleted cannot be read") from None
    urls = (e.request.url for e in bundle.entry if e.request.method.upper() == "DELETE")
    parts = (url.strip("/").rpartition("/") for url in urls if "?" not in url)
    return [(start.rpartition("/")[2], id_) for start, _, id_ in parts if start and id_]


def _issues(row: Row) -> list[str]:
    try:
        outcome = msgspec.json.decode(row.raw, type=_Outcome)
    except msgspec.ValidationError:
        return ["unknown"]
    return [
        issue.code if issue.code in ISSUE_CODES else "unknown"
        for issue in outcome.issue
        if issue.severity in {"error", "fatal"}
    ]
