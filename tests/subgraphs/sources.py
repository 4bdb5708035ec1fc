"""What every source by patient owes its subgraph, whatever connector it asks through.

A source's test class inherits `SourceContract` and says how its upstream is made to hold rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from subgraphs.connectors.errors import Rejected, TimedOut
from subgraphs.runtime.gathering import Answer

Wire = dict[str, Any]


class SourceContract(ABC):
    """A source that is not asked by patient is asked by something else in the same way."""

    @abstractmethod
    def row(self, id_: str, patient: str) -> Wire:
        """A record of this patient as the upstream sends it."""

    @abstractmethod
    async def ask(
        self,
        patients: Sequence[str],
        held: Mapping[str, Sequence[Wire]],
        error: Exception | None = None,
    ) -> Answer[Any]:
        """Ask about these patients an upstream that finds those rows for them, or fails."""

    async def test_answers_about_every_patient_asked(self):
        answer = await self.ask(["p1", "p2"], {"p1": [self.row("1", "p1")]})
        assert {p: [r.id for r in rows] for p, rows in answer.rows.items()} == {
            "p1": ["1"],
            "p2": [],
        }
        assert answer.damaged == frozenset()

    async def test_another_patient_s_row_is_left_out_and_told_of(self):
        held = {"p1": [self.row("1", "p1"), self.row("2", "stranger")], "p2": [self.row("3", "p2")]}
        answer = await self.ask(["p1", "p2"], held)
        assert [row.id for row in answer.rows["p1"]] == ["1"]
        assert answer.damaged == {"p1"}

    async def test_an_unreadable_row_costs_its_patient_that_row_alone(self):
        unreadable = {**self.row("1", "p1"), "id": {"not": "an id"}}
        held = {"p1": [unreadable, self.row("2", "p1")], "p2": [self.row("3", "p2")]}
        answer = await self.ask(["p1", "p2"], held)
        assert [row.id for row in answer.rows["p1"]] == ["2"]
        assert [row.id for row in answer.rows["p2"]] == ["3"]
        assert answer.damaged == {"p1"}

    async def test_an_upstream_s_failure_is_passed_on_as_it_is(self):
        with pytest.raises(TimedOut):
            await self.ask(["p1"], {}, TimedOut("late"))


class BringsNothing:
    """A fake that knows no Provenance: it is asked by its `search_by` and `latest_by` alone."""

    async def search_including(
        self, type_: str, param: str, keys: Sequence[str], others: Any = None
    ) -> tuple[dict[str, list[Wire]], list[Wire]]:
        if "_revinclude" in (others or {}):
            raise Rejected(400)
        return await self.search_by(type_, param, keys, others), []

    async def latest_including(
        self, type_: str, param: str, keys: Sequence[str], others: Any = None, **how: Any
    ) -> tuple[dict[str, list[Wire]], list[Wire]]:
        if "_revinclude" in (others or {}):
            raise Rejected(400)
        return await self.latest_by(type_, param, keys, others, **how), []


class FhirServerHolding:
    """A FHIR server that finds these rows, whatever it is asked for."""

    def __init__(self, held: Mapping[str, Sequence[Wire]], error: Exception | None) -> None:
        self._held = held
        self._error = error

    async def search_by(
        self, _type: str, _param: str, keys: Sequence[str], _others: object = None
    ) -> dict[str, list[Wire]]:
        if self._error:
            raise self._error
        return {key: list(self._held.get(key, ())) for key in keys}

    async def latest_by(
        self, type_: str, param: str, keys: Sequence[str], others: object = None, **_: object
    ) -> dict[str, list[Wire]]:
        return await self.search_by(type_, param, keys, others)

    async def search_including(
        self, type_: str, param: str, keys: Sequence[str], others: object = None
    ) -> tuple[dict[str, list[Wire]], list[Wire]]:
        return await self.search_by(type_, param, keys, others), []

    async def latest_including(
        self, type_: str, param: str, keys: Sequence[str], others: object = None, **_: object
    ) -> tuple[dict[str, list[Wire]], list[Wire]]:
        return await self.search_by(type_, param, keys, others), []

    async def read(self, _type: str, _ids: Sequence[str]) -> dict[str, Wire]:
        return {}
