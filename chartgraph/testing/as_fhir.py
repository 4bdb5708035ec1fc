"""What a source owes the subgraphs that is searched as a FHIR server is, whatever it speaks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import httpx2
import msgspec
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Script, Scripted
from subgraphs.connectors.as_fhir import UNREADABLE, AsFhir
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.conformance import nonconforming_elements
from subgraphs.connectors.searched import Resource
from subgraphs.connectors.transport import open_client

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class AsFhirContract(ConnectorContract):
    connector: ClassVar[type[AsFhir[Any]]]
    asked_for: ClassVar[str]
    """A resource type that it has."""

    @abstractmethod
    def row(self, id_: Any, patient: str) -> Any:
        """A record of this patient as the source sends it, `PHI` in it; `id_` may be anything."""

    @abstractmethod
    def answer(self, rows: Sequence[Any]) -> httpx2.Response:
        """What the source answers who asks about patients."""

    @abstractmethod
    def people(self, ids: Sequence[str], after: str) -> httpx2.Response:
        """A page of everyone; the last one where `after`, the way on, is empty."""

    def good(self) -> httpx2.Response:
        return self.answer([self.row("1", PHI)])

    async def ask(self, client: httpx2.AsyncClient) -> object:
        found = await self.connector(self.config(), client).search_by(
            self.asked_for, "patient", [PHI]
        )
        return found[PHI]

    async def told(self, patients: Sequence[str], *script: Script) -> dict[str, list[Resource]]:
        self.server = Scripted(script)
        async with open_client(self.config(), network=self.server) as client:
            source = self.connector(self.config(), client)
            return await source.search_by(self.asked_for, "patient", patients)

    async def crawled(self, *script: Script) -> list[list[Resource]]:
        self.server = Scripted(script)
        async with open_client(self.config(), network=self.server) as client:
            return [page async for page in self.connector(self.config(), client).crawl("Patient")]

    async def test_its_kind_is_that_of_its_settings(self) -> None:
        assert type(self.config()) is self.connector.settings

    async def test_answers_about_every_patient_asked(self) -> None:
        found = await self.told(["p1", "p2"], self.answer([self.row("1", "p1")]))
        assert {patient: _ids(rows) for patient, rows in found.items()} == {"p1": ["1"], "p2": []}

    async def test_one_call_is_about_many_patients(self) -> None:
        batch = self.connector.batch
        assert batch > 1, "a call for each patient is no batch"
        everyone = [f"p{number}" for number in range(batch + 1)]
        found = await self.told(everyone, self.answer([]))
        assert found.keys() == set(everyone)
        assert len(self.server.requests) == 2  # noqa: PLR2004 - one for a batch, one for the last
        await self.told([], self.answer([]))
        assert self.server.requests == []

    async def test_another_patient_s_row_is_left_out(self) -> None:
        rows = [self.row("1", "p1"), self.row("2", "stranger"), self.row("3", "p2")]
        found = await self.told(["p1", "p2"], self.answer(rows))
        assert {patient: _ids(rows) for patient, rows in found.items()} == {
            "p1": ["1"],
            "p2": ["3"],
        }

    async def test_an_unreadable_row_costs_its_patient_that_row_alone(self) -> None:
        rows = [
            self.row({"not": "an id"}, "p1"),
            self.row("2", "p1"),
            self.row("3", "p2"),
        ]
        found = await self.told(["p1", "p2"], self.answer(rows))
        assert [row["id"] for row in found["p1"] if row is not UNREADABLE] == ["2"]
        assert UNREADABLE in found["p1"], "whoever asks has to know that something is missing"
        assert _ids(found["p2"]) == ["3"]

    async def test_what_it_tells_is_fhir(self) -> None:
        found = await self.told(["p1"], self.answer([self.row("1", "p1")]))
        ((row,),) = found.values()
        assert row["resourceType"] == self.asked_for
        assert "Patient/p1" in str(row), "it has to say whose it is"
        assert nonconforming_elements(self.asked_for, _ENCODER.encode(row)) == ()

    async def test_is_asked_for_nothing_it_has_not(self) -> None:
        self.server = Scripted([self.answer([])])
        async with open_client(self.config(), network=self.server) as client:
            source = self.connector(self.config(), client)
            assert await source.search_by("Basic", "patient", ["p1"]) == {"p1": []}
        assert self.server.requests == []

    async def test_everyone_is_read_page_by_page(self) -> None:
        pages = await self.crawled(self.people(["p1", "p2"], "on"), self.people(["p3"], ""))
        assert [_ids(page) for page in pages] == [["p1", "p2"], ["p3"]]
        for patient in (row for page in pages for row in page):
            assert nonconforming_elements("Patient", _ENCODER.encode(patient)) == ()

    async def test_a_list_that_does_not_end_is_given_up(self) -> None:
        with pytest.raises(ProtocolViolation, match="does not end"):
            await self.crawled(self.people(["p1"], "on"))


def _ids(rows: Sequence[Resource]) -> list[str]:
    return [row["id"] for row in rows]
