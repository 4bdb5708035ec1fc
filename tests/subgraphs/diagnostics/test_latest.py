"""The newest observation of a code that the caller may see, however many before it are not."""

import asyncio
from datetime import UTC, datetime

import pytest

from contract.context import Caller
from subgraphs.connectors.errors import SourceState, Unreachable
from subgraphs.diagnostics.loaders import Question, load_observations
from subgraphs.diagnostics.model import Observation
from subgraphs.diagnostics.sources import SPARE
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.consent import UNDIRECTED
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.fhir import translate
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.sealing import IdSeal

KEY = b"k" * 32
LOINC = "http://loinc.org"
A1C = f"{LOINC}|4548-4"
SCOPE = "user/Observation.rs?category=laboratory"
CLINICIAN = Caller("c", roles=("clinician",), scopes=(SCOPE,))
LATEST = Question(codes=(A1C,), latest=True)


def a1c(patient, day, *, status="final", category="laboratory"):
    return {
        "id": f"{patient}-{day}",
        "status": status,
        "category": [{"coding": [{"code": category}]}],
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": LOINC, "code": "4548-4"}]},
        "effectiveDateTime": f"2026-01-{day:02d}",
    }


class FakeSource:
    """Newest first, and of the newest no more than it must give."""

    def __init__(self, *rows, error=None):
        self.rows = sorted(rows, key=lambda row: row["effectiveDateTime"], reverse=True)
        self.error = error
        self.asked = []

    async def latest_by_code(self, patients, _codes):
        return self._answer("latest", patients, SPARE)

    async def by_code(self, patients, _codes):
        return self._answer("all", patients, None)

    async def observations(self, patients):
        return self._answer("any", patients, None)

    def _answer(self, question, patients, most):
        self.asked.append((question, list(patients)))
        if self.error:
            raise self.error
        of = {p: [r for r in self.rows if r["id"].startswith(f"{p}-")] for p in patients}
        return translate({patient: rows[:most] for patient, rows in of.items()}, Observation)


def asking(*sources):
    named = dict(zip(("north", "south"), sources, strict=False))
    now = datetime(2026, 11, 22, tzinfo=UTC)
    graph = Subgraph("diagnostics", IdSeal(KEY), Crosswalk(KEY), None, named, lambda: now)
    return Request(graph, Access(CLINICIAN))


def everywhere(name):
    return Compartment(name, (Link("north", name), Link("south", name)), ruling=UNDIRECTED)


def days(gathered):
    return [fact.resource.effective for fact in gathered.rows]


@pytest.mark.parametrize("hidden", [{"status": "entered-in-error"}, {"category": "survey"}])
async def test_one_before_any_number_of_hidden_ones_is_found(hidden):
    rows = [a1c("ada", day, **hidden) for day in range(20, 26)]
    source = FakeSource(*rows, a1c("ada", 5), a1c("ada", 3))
    found = await load_observations(asking(source), everywhere("ada"), LATEST)
    assert days(found) == ["2026-01-05"]


async def test_only_whose_newest_are_all_hidden_are_asked_about_again():
    rows = [a1c(name, day) for name in ("ada", "bob") for day in range(1, 9)]
    away = {"status": "entered-in-error"}
    rows += [a1c(name, day, **away) for name in ("ada", "eve") for day in range(20, 24)]
    # Two that are hidden are all there are: nothing lies behind them.
    rows += [a1c("kim", day, **away) for day in (20, 21)]
    north, south = FakeSource(*rows), FakeSource(a1c("ada", 2))
    request = asking(north, south)
    names = ("ada", "bob", "eve", "kim")
    found = await asyncio.gather(
        *(load_observations(request, everywhere(name), LATEST) for name in names)
    )
    assert [days(gathered) for gathered in found] == [["2026-01-08"], ["2026-01-08"], [], []]
    assert north.asked == south.asked == [("latest", list(names)), ("all", ["ada", "eve"])]


async def test_who_may_read_nothing_causes_no_call():
    source = FakeSource(a1c("ada", 1))
    request = Request(asking(source).subgraph, Access(Caller("x")))
    assert (await load_observations(request, everywhere("ada"), LATEST)).rows == ()
    assert source.asked == []


async def test_any_category_is_asked_of_no_category():
    source = FakeSource(a1c("ada", 1))
    found = await load_observations(asking(source), everywhere("ada"))
    assert days(found) == ["2026-01-01"]
    assert source.asked == [("any", ["ada"])]


async def test_the_source_that_has_the_answer_must_have_given_one():
    request = asking(FakeSource(error=Unreachable("down")), FakeSource())
    found = await load_observations(request, everywhere("ada"))
    assert found.or_raise("south") is found
    with pytest.raises(SourcesDownError) as raised:
        found.or_raise("north")
    assert raised.value.extensions["state"] == SourceState.UNAVAILABLE
