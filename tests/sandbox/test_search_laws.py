"""What holds of every search, tried on searches drawn by chance."""

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CODES = ("4548-4", "2345-7", "8867-4", "85354-9", "0-0")
DATES = ("ge2025", "lt2026-03", "2026", "ne2026-01", "sa2026-02-10T12:00:00Z")
laws = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def patients(population):
    return [p.ids["ehr-a"] for p in population.truth.people if "ehr-a" in p.ids]


def found(ehr, **params):
    """Ids in order, over all pages."""
    bundle = ehr.get(f"Observation?{urlencode({'_count': 100, **params})}")
    ids = []
    while True:
        ids += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        link = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        if link is None:
            assert bundle["total"] == len(ids)
            return ids
        bundle = ehr.get(link)


@given(data=st.data(), code=st.sampled_from(CODES), date=st.sampled_from(DATES))
@laws
def test_a_comma_list_finds_what_its_parts_find(ehr_a, patients, data, code, date):
    chosen = data.draw(st.lists(st.sampled_from(patients), min_size=1, max_size=4, unique=True))
    together = found(ehr_a, patient=",".join(chosen), code=code, date=date)
    apart = [id_ for one in chosen for id_ in found(ehr_a, patient=one, code=code, date=date)]
    assert sorted(together) == sorted(apart)
    assert len(set(together)) == len(together)


@given(data=st.data(), count=st.integers(1, 60))
@laws
def test_the_size_of_a_page_changes_nothing_but_pages(ehr_a, patients, data, count):
    patient = data.draw(st.sampled_from(patients))
    params = {"patient": patient, "category": "vital-signs", "_sort": "-date"}
    assert found(ehr_a, **params, _count=count) == found(ehr_a, **params)


@given(data=st.data(), date=st.sampled_from(DATES))
@laws
def test_one_condition_more_never_finds_more(ehr_a, patients, data, date):
    patient, code = data.draw(st.sampled_from(patients)), data.draw(st.sampled_from(CODES))
    wide = found(ehr_a, patient=patient, code=code)
    narrow = found(ehr_a, patient=patient, code=code, date=date)
    assert [id_ for id_ in wide if id_ in set(narrow)] == narrow
