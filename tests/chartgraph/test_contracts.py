"""What a subgraph is held to finds what the guide's example could have done wrong."""

from __future__ import annotations

import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import pytest

from chartgraph.testing import subgraph as contract
from chartgraph.testing.served import serve
from subgraphs import catalog
from subgraphs.runtime.settings import RuntimeSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "adding-a-subgraph.md").read_text()
FILES = dict(re.findall(r"^```python (\S+)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))
LOADED = "    return await load_facts(request, STUDIES, ask, patient)\n"
ASKED = "        return await fhir.search_patients(self._server, TYPE, SubjectRecord, patients)\n"

TO_ALL = """
    from subgraphs.runtime.facts import load_records, merge
    found = await load_records(request, STUDIES, ask, patient)
    return Gathered(tuple(merge(request, STUDIES, found.rows, patient)), found.sources)
"""
WITHOUT_LABELS = """
    from subgraphs.runtime.facts import load_records, merge
    if not request.access.may_read(TYPE, patient):
        return Gathered()
    found = await load_records(request, STUDIES, ask, patient)
    return Gathered(tuple(merge(request, STUDIES, found.rows, patient)), found.sources)
"""
ONE_BY_ONE = """
        rows = {}
        for patient in patients:
            asked = await fhir.search_patients(self._server, TYPE, SubjectRecord, [patient])
            rows |= asked.rows
        return Answer(rows)
"""
SILENT = """
        from subgraphs.connectors.errors import UpstreamError
        try:
            return await fhir.search_patients(self._server, TYPE, SubjectRecord, patients)
        except UpstreamError:
            return Answer({})
"""

DECLARED = """facts_of_patient(
        ResearchSubject, load_studies, "Clinical studies the patient takes or took part in."
    )
"""
UNPROTECTED = """None
    from subgraphs.runtime.connection import PAGE
    @federation.field(directives=[PAGE], requires=["links"], description="Studies.")
    async def studies(self) -> Connection[ResearchSubject] | None: ...
"""
UNPRICED = """None
    @federation.field(
        requires=["links"], requires_scopes=scopes_for("ResearchSubject"), description="Studies."
    )
    async def studies(self) -> Connection[ResearchSubject] | None: ...
"""


def running(module: ModuleType, monkeypatch) -> type[contract.SubgraphContract]:
    monkeypatch.setattr(catalog, "_added", lambda _: module)
    namespace: dict = {}
    exec(FILES["test_research.py"], namespace)
    return namespace["TestResearch"]


def read(text: str, monkeypatch) -> ModuleType:
    module = ModuleType("chartgraph_research")
    # Strawberry looks the annotations up there.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(text, "chartgraph_research.py", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    ("right", "wrong", "test", "who"),
    [
        (LOADED, TO_ALL, "whoever_may_not_see_it_sees_it_on_no_way", "nobody"),
        (LOADED, TO_ALL, "whoever_may_not_see_it_sees_it_on_no_way", "another patient"),
        (LOADED, WITHOUT_LABELS, "what_is_sensitive_is_closed_on_every_way", None),
        (LOADED, WITHOUT_LABELS, "what_she_closed_is_closed_on_every_way", None),
        (LOADED, WITHOUT_LABELS, "what_is_withheld_looks_like_what_is_not_there", None),
        (ASKED, ONE_BY_ONE, "one_call_is_about_all_patients_of_a_request", None),
        (ASKED, SILENT, "a_source_that_is_late_is_told_of_and_nothing_else", None),
    ],
)
async def test_what_leaks_is_found(right, wrong, test, who, monkeypatch, tmp_path):
    text = FILES["chartgraph_research.py"]
    assert right in text
    held = running(read(text.replace(right, wrong), monkeypatch), monkeypatch)()
    async with AsyncExitStack() as stack:
        served = await serve(held.name, RuntimeSettings(home=tmp_path), stack)
        served.source.records = {each: [held.record("1", each)] for each in ("ada", "bea")}
        asked = getattr(held, f"test_{test}")
        with pytest.raises(AssertionError):
            await (asked(served) if who is None else asked(served, who))


@pytest.mark.parametrize(
    ("right", "wrong", "test"),
    [
        ("requires_scopes=scopes_for(TYPE),", "", "what_it_adds_is_protected"),
        (DECLARED, UNPROTECTED, "what_it_adds_is_protected"),
        (DECLARED, UNPRICED, "its_lists_cost_what_they_are_long"),
        ('(description="The arm she was assigned to.")', "()", "everything_is_described"),
        ("    studies: Connection", "    trials: Connection", "every_way_to_a_record_is_tried"),
    ],
)
def test_what_is_published_badly_is_found(right, wrong, test, monkeypatch):
    text = FILES["chartgraph_research.py"]
    assert right in text
    held = running(read(text.replace(right, wrong), monkeypatch), monkeypatch)()
    with pytest.raises(AssertionError):
        getattr(held, f"test_{test}")()
