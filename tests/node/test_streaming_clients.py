"""Clients nobody here wrote, against the demo: queries, subscriptions and deferred parts."""

from __future__ import annotations

import pytest

from tests.node.outside_gateways import run

pytestmark = pytest.mark.node

QUERY = "query Me { me { roles } }"
SUBSCRIPTION = """
subscription Visit($visit: ID!) {
  virtualVisitStatus(visitId: $visit) {
    id
    status
    appointment { id start virtualVisit { id joinUrl } }
  }
}
"""
DEFERRED = """
query Deferred($patient: ID!) {
  patient(id: $patient) {
    id
    name { text }
    ... @defer(label: "payer") { coverages { nodes { id } } }
  }
}
"""
CLIENTS = {"apollo", "apolloOverWs", "urql", "relay", "graphqlWs", "graphqlSse"}
SOCKETS = {"apolloOverWs", "relay"}
"""They are not asked for deferred parts."""


@pytest.fixture
def visited(demo):
    """A patient whose next appointment is a video visit at the vendor that is made to speak."""
    vendor = demo.sandbox.url("telehealth")
    query = """
    query($id: ID!) { patient(id: $id) { id nextAppointment { virtualVisit { id joinUrl } } } }
    """
    for patient in demo.patients():
        found = demo.ask(query, {"id": patient["id"]})["data"]["patient"]
        visit = (found["nextAppointment"] or {}).get("virtualVisit")
        if visit and (visit["joinUrl"] or "").startswith(vendor):
            return found
    raise AssertionError("the demo's data has none")


def test_clients_nobody_here_wrote_hear_what_happens(demo, visited):
    visit = visited["nextAppointment"]["virtualVisit"]
    vendors_id = visit["joinUrl"].partition("?")[0].rpartition("/")[2]
    seen = run(
        "streams.mjs",
        {
            "url": f"{demo.gateway}/graphql",
            "token": demo.sandbox.persona_token("clinician"),
            "query": QUERY,
            "subscription": SUBSCRIPTION,
            "deferred": DEFERRED,
            "variables": {"visit": visit["id"], "patient": visited["id"]},
            "change": f"{demo.sandbox.ready['control']}/visits/{vendors_id}/status",
        },
    )
    assert seen.keys() == CLIENTS
    expected = demo.ask(DEFERRED.replace('@defer(label: "payer")', ""), {"patient": visited["id"]})
    for name, each in seen.items():
        assert each["query"]["me"]["roles"] == ["clinician"], name
        events = [event["virtualVisitStatus"] for event in each["events"]]
        assert {event["id"] for event in events} == {visit["id"]}, name
        assert events[0]["status"] != events[1]["status"] in ("WAITING", "STARTED"), name
        # What other subgraphs know comes with each event.
        assert {e["appointment"]["virtualVisit"]["joinUrl"] for e in events} == {visit["joinUrl"]}
        if name not in SOCKETS:
            assert without_typenames(each["deferred"]) == expected["data"], name
    assert seen["apollo"]["partsBefore"] >= 1


def without_typenames(value):
    if isinstance(value, dict):
        return {k: without_typenames(each) for k, each in value.items() if k != "__typename"}
    if isinstance(value, list):
        return [without_typenames(each) for each in value]
    return value
