"""Exports in bulk. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

import pytest

from sandbox.faults import Faults, Misrun
from sandbox.wire import decode

META = {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"}
LATER = {"versionId": "2", "lastUpdated": "2026-01-01T00:00:00+00:00"}


def observation(id_, code, meta=META):
    return {
        "resourceType": "Observation",
        "id": id_,
        "meta": meta,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
    }


@pytest.fixture
def ehr(ehr_of):
    return ehr_of(
        [
            {"resourceType": "Patient", "id": "p1", "meta": META},
            {"resourceType": "Patient", "id": "p2", "meta": LATER},
            observation("o1", "4548-4"),
            observation("o2", "8480-6", LATER),
            {"resourceType": "Organization", "id": "g1", "meta": META, "name": "Lakeside"},
        ]
    )


def start(ehr, address="Patient/$export", **options):
    return ehr.ask("GET", address, prefer="respond-async", **options)


def export(ehr, address="Patient/$export"):
    job = dict(start(ehr, address).headers)["content-location"]
    assert ehr.ask("GET", job).status == 202
    return decode(ehr.ask("GET", job).body), job


def ids(ehr, manifest, type_):
    url = next(file["url"] for file in manifest["output"] if file["type"] == type_)
    answer = ehr.ask("GET", url)
    assert answer.content_type == "application/fhir+ndjson"
    return [decode(line)["id"] for line in answer.body.splitlines()]


@pytest.mark.parametrize(
    ("address", "types"),
    [
        ("Patient/$export", {"Patient": 2, "Observation": 2}),
        ("Group/everyone/$export", {"Patient": 2, "Observation": 2}),
        ("$export", {"Patient": 2, "Observation": 2, "Organization": 1}),
        ("$export?_type=Organization", {"Organization": 1}),
    ],
)
def test_gives_what_is_asked_for(ehr, address, types):
    manifest, _ = export(ehr, address)
    assert {file["type"]: file["count"] for file in manifest["output"]} == types
    assert manifest["requiresAccessToken"] is True
    assert (manifest["deleted"], manifest["error"]) == ([], [])


def test_gives_what_has_changed_since(ehr):
    manifest, _ = export(ehr, "Patient/$export?_since=2025-06-01T00:00:00Z")
    assert ids(ehr, manifest, "Patient") == ["p2"]
    assert ids(ehr, manifest, "Observation") == ["o2"]


def test_narrows_a_type_by_any_of_its_filters(ehr):
    manifest, _ = export(ehr, "$export?_typeFilter=Observation%3Fcode%3D4548-4")
    assert ids(ehr, manifest, "Observation") == ["o1"]
    assert ids(ehr, manifest, "Patient") == ["p1", "p2"]


def test_a_job_says_how_it_does_and_when_to_come_back(ehr):
    answer = ehr.ask("GET", dict(start(ehr).headers)["content-location"])
    headers = dict(answer.headers)
    assert (answer.status, headers["retry-after"], headers["x-progress"]) == (202, "1", "50%")


def test_what_is_cancelled_is_gone(ehr):
    manifest, job = export(ehr)
    assert ehr.ask("DELETE", job).status == 202
    assert ehr.ask("GET", job).status == 404
    assert ehr.ask("GET", manifest["output"][0]["url"]).status == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("Group/nobody/$export", 404),
        ("Observation/$export", 404),
        ("$export?_type=Martian", 400),
        ("$export?_since=yesterday", 400),
        ("$export?_outputFormat=text/csv", 400),
    ],
)
def test_refuses_what_it_does_not_export(ehr, address, status):
    assert start(ehr, address).status == status


def test_asks_for_a_preference_and_for_scopes(ehr):
    assert ehr.ask("GET", "$export").status == 400
    assert start(ehr, token=None).status == 401
    assert start(ehr, "$export?_type=Observation", token="only-patients").status == 403
    manifest, _ = export(ehr)
    file = next(file["url"] for file in manifest["output"] if file["type"] == "Observation")
    assert ehr.ask("GET", file, token="only-patients").status == 403


@pytest.mark.parametrize("misrun", Misrun)
def test_goes_wrong_as_it_is_told(ehr, misrun):
    ehr.faults = Faults(export=misrun)
    job = dict(start(ehr).headers)["content-location"]
    ehr.ask("GET", job)
    answer = ehr.ask("GET", job)
    expected = {Misrun.STUCK: 202, Misrun.FAILS: 500}
    assert answer.status == expected.get(misrun, 200)
    if answer.status != 200:
        return
    manifest = decode(answer.body)
    url = manifest["output"][0]["url"]
    assert url.startswith("http://elsewhere.invalid/") is (misrun is Misrun.FOREIGN)
    if misrun is Misrun.FOREIGN:
        return
    file = ehr.ask("GET", url)
    assert file.status == (410 if misrun is Misrun.GONE else 200)
    assert file.body.endswith(b"}\n") is (misrun not in {Misrun.CUT, Misrun.GONE})
    assert (b"<!doctype" in file.body) is (misrun is Misrun.GARBLED)
    assert bool(manifest["error"]) is (misrun is Misrun.PARTIAL)
    if misrun is Misrun.PARTIAL:
        outcome = decode(ehr.ask("GET", manifest["error"][0]["url"]).body)
        assert outcome["issue"][0]["code"] == "exception"


def test_is_counted_apart(ehr):
    manifest, job = export(ehr)
    assert ehr.last_call.kind == "export"
    ehr.ask("GET", manifest["output"][0]["url"])
    assert (ehr.last_call.kind, ehr.last_call.subject) == ("export", "Observation")
    ehr.ask("DELETE", job)
    assert ehr.last_call.subject == "job"
