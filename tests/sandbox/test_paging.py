"""https://hl7.org/fhir/R4/http.html#paging"""

from urllib.parse import urlsplit

import pytest

from sandbox.fhir.paging import Cursor, Cursors
from sandbox.fhir.search import Search


def next_link(bundle):
    return next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def walk(ehr, address):
    pages = [ehr.get(address)]
    while link := next_link(pages[-1]):
        pages.append(ehr.get(link))
    return pages


def ids(bundle):
    return [e["resource"]["id"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]


def test_pages_together_hold_every_match_once(ehr_a, population):
    pages = walk(ehr_a, "Observation?_count=90")
    found = [id_ for page in pages for id_ in ids(page)]
    observations = [r for r in population.resources["ehr-a"] if r["resourceType"] == "Observation"]
    assert sorted(found) == sorted(r["id"] for r in observations)
    assert {page["total"] for page in pages} == {len(observations)}
    assert {len(ids(page)) for page in pages[:-1]} == {90}


def test_no_page_is_larger_than_the_server_allows(ehr_a, ehr_b):
    assert len(ids(ehr_a.get("Observation?_count=5000"))) == 100
    assert len(ids(ehr_b.get("Observation"))) == 50


def test_the_order_goes_on_from_page_to_page(ehr_a):
    pages = walk(ehr_a, "Observation?code=4548-4&_sort=-date&_count=7")
    dates = [e["resource"]["effectiveDateTime"] for page in pages for e in page["entry"]]
    assert dates == sorted(dates, reverse=True)


def test_inclusions_are_those_of_the_page(ehr_a):
    pages = walk(ehr_a, "Observation?code=4548-4&_count=5&_include=Observation:patient")
    for page in pages:
        subjects = {
            e["resource"]["subject"]["reference"]
            for e in page["entry"]
            if e["search"]["mode"] == "match"
        }
        included = {
            f"Patient/{e['resource']['id']}"
            for e in page["entry"]
            if e["search"]["mode"] == "include"
        }
        assert included == subjects


def test_the_cursor_tells_nothing_and_stays_with_the_server(ehr_a):
    link = next_link(ehr_a.get("Observation?code=4548-4&_count=1"))
    url = urlsplit(link)
    assert (url.netloc, url.query) == ("ehr.example", "")
    assert "4548-4" not in link


def test_a_page_counts_as_a_search_of_its_type(ehr_a):
    ehr_a.get(next_link(ehr_a.get("Observation?_count=1")))
    assert (ehr_a.last_call.kind, ehr_a.last_call.subject) == ("search", "Observation")


def test_count_zero_asks_for_the_total_alone(ehr_a):
    found = ehr_a.get("Patient?_count=0")
    assert "entry" not in found
    assert next_link(found) is None
    assert found["total"] > 0
    assert ehr_a.get("Patient?_summary=count")["total"] == found["total"]


def test_writes_do_not_shift_the_pages_of_a_search_under_way(ehr_of):
    def patient(number):
        meta = {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"}
        return {"resourceType": "Patient", "id": f"p{number}", "meta": meta}

    ehr = ehr_of([patient(number) for number in range(4)])
    first = ehr.get("Patient?_count=2")
    assert ehr.ask("POST", "Patient", {"resourceType": "Patient"}, token="writer").status == 201
    assert ids(first) + ids(ehr.get(next_link(first))) == ["p0", "p1", "p2", "p3"]


def test_a_cursor_expires(ehr_a):
    assert ehr_a.ask("GET", "_page/never-given").status == 410


def test_only_the_newest_cursors_are_kept():
    cursors = Cursors(capacity=2)
    search = Search("Patient", (), (), (), None, ())
    old, *new = [cursors.keep(Cursor(search, (), offset)) for offset in range(3)]
    assert [cursors.get(token).offset for token in new] == [1, 2]
    with pytest.raises(Exception, match="expired"):
        cursors.get(old)
