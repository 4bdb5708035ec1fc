"""The coverage subgraph over a payer in memory, asked over HTTP and X12 as in production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contract.context import Caller
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore
from subgraphs.connectors.transport import open_client
from subgraphs.connectors.x12.client import ClearinghouseClient
from subgraphs.connectors.x12.settings import FiledPayer, X12Source
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema import SCHEMA
from subgraphs.coverage.sources.checks import Checks
from subgraphs.coverage.sources.claim_status import StatusDesk
from subgraphs.coverage.sources.eligibility import EligibilityDesk
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.connectors.fhir.ehr import BASE, Ehr
from tests.subgraphs.connectors.x12.payer import Payer as Desk
from tests.subgraphs.connectors.x12.payer import StatusPayer
from tests.subgraphs.coverage.files import PAYER_ID
from tests.subgraphs.signed import KEY, NOW, ask_entities
from tests.subgraphs.undirected import Undirected

BILLER = Caller(
    subject="b",
    roles=("biller",),
    scopes=("user/Coverage.rs", "user/ExplanationOfBenefit.rs", "user/Claim.rs"),
)
CLINICIAN = Caller(subject="c", roles=("clinician",), scopes=("user/*.rs",))
ADA_HERSELF = Caller(
    subject="a", roles=("patient",), scopes=("patient/*.rs",), patient="ehr-a/e-ada"
)
EHR = "https://ehr-a.example/fhir"
BENEFITS = ["EB*1**30**GOLD", "EB*C*IND*30***23*1500.00*****Y", "EB*C*IND*30***29*400.50*****Y"]


def links_of(name: str) -> tuple[Link, ...]:
    return Link("ehr-a", f"e-{name}"), Link("payer", f"p-{name}")


@dataclass
class CoverageSubgraph(Undirected):
    ehr: Ehr = field(default_factory=Ehr)
    desk: Desk = field(default_factory=lambda: Desk({}))
    status_desk: StatusPayer = field(default_factory=lambda: StatusPayer({}))
    checks: Checks | None = None
    store: InboxStore | None = None
    members: dict[str, set[Link]] = field(default_factory=dict)
    """Whose records in the inbox are known to be theirs."""
    payments: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 22, tzinfo=UTC)

    def __post_init__(self) -> None:
        fhir = FhirSource(id="payer", url=BASE, serves=("coverage",))
        x12 = X12Source(
            id="payer-x12",
            url="https://payer.example/x12",
            serves=("coverage",),
            payer="payer",
            transactions=("270", "276"),
            sender_id="CHARTGRAPH",
            receiver_id="PAYER01",
        )
        server = FhirServer(fhir, open_client(fhir, network=self.ehr.network))
        payer = Payer(server)
        clearinghouse = ClearinghouseClient(x12, open_client(x12, network=self.desk.network))
        desk = EligibilityDesk("payer-x12", payer, clearinghouse)
        asked = ClearinghouseClient(x12, open_client(x12, network=self.status_desk.network))
        self.crosswalk = Crosswalk(KEY)
        subgraph = Subgraph(
            "coverage",
            IdSeal(KEY),
            self.crosswalk,
            self,
            Payers(
                {"payer": payer},
                {"payer": desk},
                {"payer": PriorAuthorizations(server)},
                orders={"ehr-a": Orders(EHR, server)},
                files=self._files(),
                checks=self.checks,
                status_desks={"payer": StatusDesk("payer-x12", payer, asked)},
                **self.payments,
            ),
            now=lambda: self.now,
        )
        self.app = create_subgraph_app(subgraph, SCHEMA, keys={"1": KEY}, clock=lambda: NOW)

    def _files(self) -> dict[str, ClaimFiles]:
        if self.store is None:
            return {}
        self.inbox = InboxSource(
            id="clearinghouse",
            serves=("coverage",),
            payers={PAYER_ID: FiledPayer("payer", "https://payer.example/member")},
        )
        return {"clearinghouse": ClaimFiles(Inbox(self.inbox, self.store))}

    async def hand_in(self, *files: bytes) -> None:
        """As a clearinghouse does; identity then finds the member of each number."""
        assert self.store is not None
        for file in files:
            delivery = read_delivery(file, self.inbox, self.store).delivery
            await self.store.take(self.inbox.id, delivery)
            for resource in delivery.resources:
                if resource["resourceType"] == "Patient":
                    (number,) = resource["identifier"]
                    name = number["value"].partition("-")[2]
                    self.members.setdefault(name, set()).add(Link(self.inbox.id, resource["id"]))

    def links(self, name: str) -> tuple[Link, ...]:
        return (*links_of(name), *sorted(self.members.get(name, ())))

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        filed = {link: name for name, links in self.members.items() for link in links}
        names = {each: filed.get(each, each.id.partition("-")[2]) for each in members}
        return {member: Person(name, self.links(name)) for member, name in names.items()}

    def patient(self, name: str) -> dict[str, str]:
        links = self.crosswalk.seal_links(name, self.links(name))
        return {"__typename": "Patient", "id": name, "links": links}

    async def patients(self, selection: str, *names: str, caller: Caller = BILLER) -> Any:
        selection = f"... on Patient {{ {selection} }}"
        return await self.entities(selection, *map(self.patient, names), caller=caller)

    async def entities(self, selection: str, *representations: object, caller: Caller) -> Any:
        return await ask_entities(self.app, "coverage", selection, *representations, caller=caller)


def coverage(name: str, id_: str = "", **more: object) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": id_ or f"c-{name}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/p-{name}"},
        "subscriberId": f"M-{name}",
        "payor": [{"reference": "Organization/o1"}],
        "period": {"start": "2026-01-01"},
        "class": [
            {"type": {"coding": [{"code": "group"}]}, "value": "G1"},
            {"type": {"coding": [{"code": "plan"}]}, "value": "P1", "name": "Gold"},
        ],
        **more,
    }


def money(amount: str) -> dict[str, object]:
    return {"value": float(amount), "currency": "USD"}


def amounts(**given: str) -> list[dict[str, Any]]:
    return [
        {"category": {"coding": [{"code": code}]}, "amount": money(amount)}
        for code, amount in given.items()
    ]


def explanation(name: str, id_: str, day: str = "2026-02-03", **more: object) -> dict[str, Any]:
    item = {
        "sequence": 1,
        "productOrService": {"text": "visit"},
        "servicedDate": day,
        "adjudication": amounts(submitted="380.6", copay="25"),
    }
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": id_,
        "status": "active",
        "outcome": "complete",
        "patient": {"reference": f"Patient/p-{name}"},
        "billablePeriod": {"start": day, "end": day},
        "provider": {"reference": "Organization/o1"},
        "item": [item],
        "total": amounts(submitted="380.6", eligible="266.42", benefit="241.42"),
        "payment": {"amount": money("241.42"), "date": "2026-02-12"},
        **more,
    }


def member(name: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p-{name}",
        "name": [{"use": "official", "family": "Lovelace", "given": [name]}],
        "birthDate": "1950-01-02",
    }


PAYER_ORGANIZATION = {"resourceType": "Organization", "id": "o1", "name": "Meadow Mutual"}
