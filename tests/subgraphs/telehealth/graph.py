"""The telehealth subgraph over a vendor in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from contract.context import Caller
from subgraphs.connectors.telehealth.client import TelehealthClient, TelehealthSource
from subgraphs.connectors.telehealth.webhooks import rest_notices
from subgraphs.connectors.transport import open_client
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.events import LocalEvents
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal
from subgraphs.runtime.visit_key import VisitKey, VisitKeys
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.schema import SCHEMA
from subgraphs.telehealth.sources.notices import NoticeBoard
from subgraphs.telehealth.sources.vendor import Vendors, VideoVendor
from tests.subgraphs.signed import KEY, NOW, ask_entities
from tests.subgraphs.undirected import Undirected

SECRET = b"shared"
ADA = (Link("ehr-a", "e-ada"),)
HOST = Caller(
    subject="c", roles=("clinician",), scopes=("user/*.rs",), fhir_user="ehr-a/Practitioner/dr"
)
ADA_HERSELF = Caller(
    subject="a",
    roles=("patient",),
    scopes=("patient/*.rs",),
    patient="ehr-a/e-ada",
    fhir_user="ehr-a/Patient/e-ada",
)


class _Facts(Undirected):
    async def persons(self, members):
        return {each: Person("ada", ADA) for each in members if each in ADA}


FACTS = _Facts()


def visit(id_: str, **more: object) -> dict[str, Any]:
    return {
        "id": id_,
        "status": "scheduled",
        "starts_at": "2026-11-23T09:00:00Z",
        "ends_at": "2026-11-23T09:30:00Z",
        "join_url": f"https://vendor.example/{id_}?guest=1",
        "start_url": f"https://vendor.example/{id_}?host=secret",
        **more,
    }


@dataclass
class TelehealthSubgraph:
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    vendors: dict[str, VideoVendor] = field(default_factory=dict)
    """Others beside."""
    ehr: Any = None

    def __post_init__(self) -> None:
        config = TelehealthSource(
            id="telehealth", url="https://vendor.example", serves=("telehealth",)
        )
        self.keys = VisitKeys(KEY)
        events = LocalEvents()
        now = lambda: datetime.fromtimestamp(NOW, UTC)  # noqa: E731 - the clock of these tests
        self.notices = NoticeBoard("telehealth", rest_notices(SECRET), now, events)
        network = httpx2.MockTransport(self._answer)
        client = TelehealthClient(config, open_client(config, network=network))
        vendor = VideoVendor("telehealth", client, self.notices)
        services = Telehealth(
            Vendors({"telehealth": vendor, **self.vendors}),
            self.keys,
            {"ehr-a": self.ehr},
            b"identities",
        )
        subgraph = Subgraph(
            "telehealth",
            IdSeal(KEY),
            Crosswalk(KEY),
            FACTS,
            services,
            events,
            now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        )
        self.app = create_subgraph_app(
            subgraph, SCHEMA, keys={"1": KEY}, clock=lambda: NOW, routes=self.notices.routes
        )

    def appointment(
        self, visit_id: str, channel: str | None = None, **more: object
    ) -> dict[str, Any]:
        id_ = f"appointment of {visit_id}"
        key = VisitKey(visit_id, "ada", ADA, (Link("ehr-a", "dr"),), channel)
        return {
            "__typename": "Appointment",
            "id": id_,
            "visitKey": self.keys.seal(id_, key),
            **more,
        }

    async def ask(self, fields: str, *appointments: object, caller: Caller = HOST) -> Any:
        selection = f"... on Appointment {{ virtualVisit {{ {fields} }} }}"
        return await ask_entities(self.app, "telehealth", selection, *appointments, caller=caller)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        ids = request.url.params["ids"].split(",")
        self.asked.append(request.url.params["ids"])
        found = [self.visits[id_] for id_ in ids if id_ in self.visits]
        return httpx2.Response(self.status, json={"visits": found})


def subgraph(*ids: str) -> TelehealthSubgraph:
    return TelehealthSubgraph({id_: visit(id_) for id_ in ids})


def virtual_visits(answer: Any) -> list[Any]:
    return [entity["virtualVisit"] for entity in answer["data"]["_entities"]]
