"""The sandbox's vendors in the shape of Zoom and of Twilio, which misbehave on purpose."""

from __future__ import annotations

import asyncio

import pytest

from subgraphs.runtime.visit_key import VisitKey
from tests.subgraphs.conftest import CLINICIAN, ROOMS
from tests.subgraphs.serving import served
from tests.subgraphs.telehealth.test_sandbox import BOOKED

VISIT = "... on Appointment { virtualVisit { id status joinUrl provenance { source method } } }"


class House:
    """Telehealth on a port of its own, which the vendors call."""

    def __init__(self, graph, sandbox, address):
        self.graph, self.sandbox = graph, sandbox
        self.address = address.removesuffix("/graphql")

    async def panel(self, path, body):
        """From another thread: the vendor calls back into this one before it answers."""
        url = f"{self.sandbox.ready['control']}/{path}"
        answer = await asyncio.to_thread(self.sandbox.http.post, url, json=body)
        return answer.json()

    async def call_back(self, *, on):
        for vendor in ("zoom", "twilio"):
            url = f"http://{self.address}/webhooks/{vendor}" if on else None
            await self.panel("webhook", {"url": url, "vendor": vendor})

    async def visits(self, appointments):
        answer = await self.graph.entities("telehealth", VISIT, *appointments, caller=CLINICIAN)
        assert not answer.errors
        return [each["virtualVisit"] for each in answer.data]


@pytest.fixture
async def house(graph, calm_sandbox):
    async with served(graph.apps["telehealth"]) as address:
        house = House(graph, calm_sandbox, address)
        await house.call_back(on=True)
        yield house
        await house.call_back(on=False)


async def at_zoom(graph, count=40):
    """Appointments that EHR-B holds there, and the meetings' numbers."""
    patients = await graph.patients(count)
    answer = await graph.entities("scheduling", BOOKED, *patients)
    nodes = [node for patient in answer.data for node in patient["appointments"]["nodes"]]
    keys = graph.apps["telehealth"].subgraph.services.keys
    found = []
    for node in nodes:
        key = keys.open(node["id"], node["visitKey"]) if node["visitKey"] else None
        if key is not None and key.channel and key.channel.endswith("|zoom"):
            found.append(({"__typename": "Appointment", **node}, key.visit))
    return found


async def test_each_ehrs_visits_are_asked_of_its_own_vendor(house):
    patients = await house.graph.patients(60)
    answer = await house.graph.entities("scheduling", BOOKED, *patients)
    nodes = [node for patient in answer.data for node in patient["appointments"]["nodes"]]
    virtual = [{"__typename": "Appointment", **node} for node in nodes if node["visitKey"]]
    visits = await house.visits(virtual)
    assert {visit["provenance"][0]["source"] for visit in visits} == {"telehealth", "zoom"}
    assert all(visit["joinUrl"] for visit in visits)


async def test_zoom_validates_our_address(house):
    assert await house.panel("meetings/validate", {}) == {"valid": True}


@pytest.mark.parametrize("ending", ["once", "twice"])
async def test_a_meeting_that_is_over_is_told_by_its_notice_alone(house, ending):
    appointment, meeting = (await at_zoom(house.graph))[0]
    (before,) = await house.visits([appointment])
    delivered = await house.panel(f"meetings/{meeting}/push", {"event": "started"})
    assert delivered == {"delivered": 204}
    (during,) = await house.visits([appointment])
    told = {"event": "ended", "pushed": ending}
    assert await house.panel(f"meetings/{meeting}/push", told) == {"delivered": 204}
    (after,) = await house.visits([appointment])
    assert [v["status"] for v in (before, during, after)][1:] == ["STARTED", "ENDED"]
    assert after["provenance"][0]["method"] == "WEBHOOK"


async def test_a_notice_that_comes_late_changes_nothing(house):
    appointment, meeting = (await at_zoom(house.graph))[1]
    await house.panel(f"meetings/{meeting}/push", {"event": "started", "pushed": "held"})
    # The vendor's clock goes on in milliseconds, so the second is the later.
    await house.panel(f"meetings/{meeting}/push", {"event": "ended", "pushed": "before"})
    (after,) = await house.visits([appointment])
    assert after["status"] == "ENDED"


async def test_a_vendor_that_wants_fewer_requests_is_named(house):
    appointment, _ = (await at_zoom(house.graph))[2]
    house.sandbox.set_faults("zoom", rate_limit={"limit": 0, "retry_after": 60})
    answer = await house.graph.entities("telehealth", VISIT, appointment, caller=CLINICIAN)
    assert answer.codes == ["SOURCE_RATE_LIMITED"]
    assert answer.errors[0]["extensions"]["source"] == "zoom"
    assert answer.errors[0]["extensions"]["retryAfter"] == 60


async def test_a_room_is_opened_when_somebody_comes_and_tells_of_itself(house):
    graph = house.graph
    services = graph.apps["telehealth"].subgraph.services
    vendor = services.vendors.get("twilio")
    name = await vendor.vendor.create(None, f"test-{id(house)}")
    person = await graph.patient("ehr-a", graph.launch)
    key = VisitKey(name, person["id"], graph.links(person), (), ROOMS)
    sealed = services.keys.seal("an appointment", key)
    appointment = {"__typename": "Appointment", "id": "an appointment", "visitKey": sealed}
    (before,) = await house.visits([appointment])
    assert before["status"] == "SCHEDULED"
    door = await vendor.vendor.door(name, "guest-1", host=False)
    assert (door.room, bool(door.token)) == (name, True)
    assert await vendor.vendor.door(name, "host-1", host=True)
    (during,) = await house.visits([appointment])
    assert during["status"] == "STARTED"
    # The signature covers the address that the vendor was told, which is not that of this test.
    refused = await house.panel(f"rooms/{name}/push", {"event": "room-ended"})
    assert refused == {"delivered": 401}
