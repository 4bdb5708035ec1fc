"""What may be shown of a fact does not depend on what else was asked for.

A copy without a label, of what another source or another year labelled, must stay closed to
`observations(codes:)` and `latestObservations` just as it is in the whole list.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.context import Caller
from subgraphs.diagnostics.loaders import (
    EVERYTHING,
    Question,
    load_observations,
    newest_of_each_code,
)
from subgraphs.diagnostics.model import Observation
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.consent import UNDIRECTED
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.fhir import translate
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.signed import KEY

MANY = settings(max_examples=int(os.environ.get("CHARTGRAPH_EXAMPLES", "60")), deadline=None)
LOINC, LOCAL = "http://loinc.org", "urn:oid:1.2.3"
OID = "urn:oid:2.16.840.1.113883.6.1"
CODINGS = [(LOINC, "1-1"), (OID, "1-1"), (LOINC, "2-2"), (LOCAL, "A"), (LOCAL, "B"), (LOCAL, "C")]
CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
SOURCES = ("north", "south")
ADA = Compartment("ada", tuple(Link(source, "ada") for source in SOURCES), "1962-03-14", UNDIRECTED)


def row(id_, codings, day, *labels, category="laboratory"):
    return {
        "id": id_,
        "status": "final",
        "meta": {"security": [{"code": label} for label in labels]},
        "category": [{"coding": [{"code": category}]}],
        "subject": {"reference": "Patient/ada"},
        "code": {"coding": [{"system": system, "code": code} for system, code in codings]},
        "effectiveDateTime": f"2026-01-{day:02d}T08:00:00Z",
    }


class FakeSource:
    def __init__(self, rows):
        self.rows = rows
        self.asked = Counter()

    async def observations(self, patients):
        return self._answer("all", patients, self.rows)

    async def by_code(self, patients, codes):
        def has_one(held):
            return any(coding["code"] in codes for coding in held["code"]["coding"])

        return self._answer("codes", patients, filter(has_one, self.rows))

    latest_by_code = by_code

    def _answer(self, question, patients, rows):
        self.asked[question] += 1
        return translate({patient: list(rows) for patient in patients}, Observation)


def shown(sources, question):
    services = dict(zip(SOURCES, map(FakeSource, sources), strict=True))
    now = datetime(2026, 11, 22, tzinfo=UTC)
    graph = Subgraph("diagnostics", IdSeal(KEY), Crosswalk(KEY), None, services, lambda: now)
    request = Request(graph, Access(CLINICIAN))
    found = asyncio.run(load_observations(request, ADA, question))
    return found.rows, services


charts = st.lists(
    st.builds(
        lambda codings, day, labels, category: (codings, day, labels, category),
        st.lists(st.sampled_from(CODINGS), min_size=1, max_size=2, unique=True),
        st.integers(1, 3),
        st.sampled_from([(), (), ("PSY",)]),
        st.sampled_from(["laboratory", "survey"]),
    ),
    max_size=6,
).map(
    lambda rows: [
        row(str(number), codings, day, *labels, category=category)
        for number, (codings, day, labels, category) in enumerate(rows)
    ]
)
questions = st.builds(
    Question,
    categories=st.sampled_from([(), ("laboratory",)]),
    codes=st.sampled_from([(), ("1-1",), (f"{LOINC}|1-1",), ("A", "B"), (f"{LOCAL}|C",)]),
    latest=st.booleans(),
)


@MANY
@given(charts, charts, questions)
def test_every_question_shows_of_the_whole_list_what_it_asks_for(north, south, question):
    everything, _ = shown([north, south], EVERYTHING)
    expected = [fact for fact in everything if question.matches(fact.resource)]
    if question.latest:
        expected = newest_of_each_code(expected)
    found, _ = shown([north, south], question)
    assert {fact.id for fact in found} == {fact.id for fact in expected}
    labels = {fact.id: fact.labels for fact in expected}
    assert all(fact.labels == labels[fact.id] for fact in found)


def test_a_copy_is_closed_by_a_label_behind_two_other_codes():
    north = [
        row("asked", [(LOINC, "1-1"), (LOCAL, "A")], 1),
        row("between", [(LOCAL, "A"), (LOCAL, "B")], 2, "PSY"),
    ]
    for latest in (False, True):
        found, services = shown([north, []], Question(codes=("1-1",), latest=latest))
        assert found == ()
        assert services["south"].asked == services["north"].asked


def test_whoever_chains_codes_without_end_is_asked_for_everything():
    chain = [row(str(n), [(LOCAL, f"k{n}"), (LOCAL, f"k{n + 1}")], 1) for n in range(40)]
    found, services = shown(
        [[*chain, row("x", [(LOCAL, "k40")], 2, "PSY")], []], Question(codes=("k0",))
    )
    assert services["north"].asked == {"codes": 3, "all": 1}
    assert [fact.resource.id for fact in found] == ["0"]
