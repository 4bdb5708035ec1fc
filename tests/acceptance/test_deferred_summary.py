"""A slow payer holds up nobody who does not ask for coverage first."""

from __future__ import annotations

import json
import time

import pytest

from tests.plugins.demo import OPERATIONS

QUERY = (OPERATIONS / "patient-summary-deferred.graphql").read_text()
BOUNDARY = b"\r\n---"
SLOW_MS = 2_000


def parts(demo, patient, accept):
    """Each part with the seconds after which it was there."""
    body = {"query": QUERY, "variables": {"id": patient}}
    token = demo.sandbox.persona_token("clinician")
    headers = {"accept": accept, "authorization": f"Bearer {token}"}
    began, read, found = time.monotonic(), b"", []
    address = f"{demo.gateway}/graphql"
    with demo.http.stream("POST", address, json=body, headers=headers) as reply:
        assert reply.status_code == 200
        for chunk in reply.iter_raw():
            read += chunk
            *whole, read = read.split(BOUNDARY)
            texts = (part.partition(b"\r\n\r\n")[2].strip() for part in whole)
            found += [(time.monotonic() - began, json.loads(text)) for text in texts if text]
    return found


def without_times(coverages):
    """Eligibility is asked for anew each time, and says when."""
    for each in coverages["nodes"]:
        del each["eligibility"]["asOf"]
    return coverages


@pytest.fixture
def patient(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


@pytest.mark.parametrize("accept", ["multipart/mixed", "multipart/mixed;deferSpec=20220824"])
def test_what_the_payer_knows_comes_later(demo, patient, accept):
    whole = demo.run("patient-summary", id=patient)["data"]["patient"]
    demo.sandbox.set_faults("payer", latency_ms=SLOW_MS)
    (early, first), (late, second) = parts(demo, patient, accept)
    (increment,) = second["incremental"]
    assert set(increment["data"]) == {"coverages"}
    assert without_times(increment["data"]["coverages"]) == without_times(whole["coverages"])
    assert (first["hasNext"], second["hasNext"]) == (True, False)
    rest = {key: value for key, value in whole.items() if key != "coverages"}
    assert first["data"]["patient"].keys() == rest.keys()
    assert late > SLOW_MS / 1000
    assert early < late / 2


def test_who_takes_no_parts_gets_all_of_it_at_once(demo, patient):
    answer = demo.run("patient-summary-deferred", id=patient)
    assert "errors" not in answer
    assert answer["data"]["patient"]["coverages"]["nodes"]
