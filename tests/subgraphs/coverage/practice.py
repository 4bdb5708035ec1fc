"""A practice, its EHR and the sandbox's payer, all in memory: who asks, and who is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import sqlalchemy as sa

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from sandbox.faults import Faults
from sandbox.fhir.access import Grant
from sandbox.fhir.server import FhirServer as SandboxServer
from sandbox.fhir.store import Store
from sandbox.httpserver import Request as SandboxRequest
from sandbox.pas.operations import PasOperations
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.pas.client import DaVinciPasSource, PasClient
from subgraphs.connectors.transport import open_client
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema import SCHEMA
from subgraphs.coverage.sources.authorization_desk import AuthorizationDesk
from subgraphs.coverage.sources.authorization_requests import Requestor
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.papers import Papers
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.database import open_store, sqlite_url
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal, RecordRef
from subgraphs.runtime.writes import Writes, write_table
from tests.subgraphs.coverage.graph import links_of
from tests.subgraphs.signed import KEY, NOW, post
from tests.subgraphs.undirected import Undirected

WRITER = Caller(subject="b-1", roles=("biller",), scopes=("user/*.rs", "user/Claim.cu"))
CLINICIAN = Caller(subject="c-1", roles=("clinician",), scopes=("user/*.rs", "user/Claim.cu"))
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
META = {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}
_LISTED = """... on Patient { priorAuthorizations(first: 200) { nodes { id version state
  traceNumbers { value } } } }"""


class System(httpx2.AsyncBaseTransport):
    """One of the sandbox's FHIR servers, without its port. `dies` as in `sandbox.faults`."""

    def __init__(self, url: str, resources: Sequence[Mapping[str, Any]], *, pas: bool) -> None:
        store = Store([{"meta": META, **resource} for resource in resources])
        self.authorizations = PasOperations(store, f"{url}/fhir")
        self.dies = "never"
        self.dead_inquiry = False
        self.forgets: frozenset[str] = frozenset()
        """Of a request, what the answers to an inquiry do not repeat."""
        self.is_down = False
        self.calls: Counter[str] = Counter()
        self.received: list[bytes] = []
        self._server = SandboxServer(
            store,
            title="Test",
            url=url,
            token_url=f"{url}/token",
            verify=lambda _: Grant("test", ("system/*.cruds",)),
            faults=Faults,
            operations=self.authorizations.operations if pas else {},
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {
            **{k.lower(): v for k, v in request.headers.items()},
            "authorization": "Bearer t",
        }
        asked = SandboxRequest(
            request.method, request.url.path, request.url.query.decode(), headers, request.content
        )
        call = self._server.classify(asked)
        self.calls[f"{call.kind} {call.subject}"] += 1
        if self.is_down or (self.dead_inquiry and call.subject == "Claim/$inquire"):
            return httpx2.Response(503)
        if call.writes:
            self.received.append(request.content)
        if call.writes and self.dies == "before":
            raise httpx2.RemoteProtocolError("gone")
        answer = await self._server.respond(asked)
        if call.writes and self.dies == "after":
            raise httpx2.RemoteProtocolError("gone")
        content_type = {"Content-Type": answer.content_type}
        body = answer.body
        if call.subject == "Claim/$inquire" and self.forgets:
            body = json.dumps(_without(json.loads(body), self.forgets)).encode()
        return httpx2.Response(answer.status, headers=content_type, content=body)


def _without(node: Any, forgotten: frozenset[str]) -> Any:
    """Without the Claims' identifiers, the trace numbers of items, or the Claims themselves."""
    if isinstance(node, list):
        kept = (each for each in node if not _is_forgotten(each, forgotten))
        return [_without(each, forgotten) for each in kept]
    if not isinstance(node, dict):
        return node
    is_told = node.get("resourceType") in ("Claim", "ClaimResponse")
    return {
        name: _without(value, forgotten)
        for name, value in node.items()
        if not (is_told and name == "identifier" and "identifier" in forgotten)
    }


def _is_forgotten(node: Any, forgotten: frozenset[str]) -> bool:
    if not isinstance(node, dict):
        return False
    told = (str(node.get("url")), str(node.get("resource", {}).get("resourceType")))
    return ("trace" in forgotten and told[0].endswith("itemTraceNumber")) or (
        "claim" in forgotten and told[1] == "Claim"
    )


def member(name: str) -> list[dict[str, Any]]:
    patient = {"reference": f"Patient/p-{name}"}
    status = "cancelled" if name == "gone" else "active"
    return [
        {
            "resourceType": "Patient",
            "id": f"p-{name}",
            "identifier": [{"system": "https://payer.example/member", "value": f"M-{name}"}],
            "name": [{"family": "Lovelace", "given": [name]}],
        },
        {
            "resourceType": "Coverage",
            "id": f"c-{name}",
            "status": status,
            "beneficiary": patient,
            "payor": [{"reference": "Organization/o1"}],
        },
    ]


def prescription(id_: str, name: str, code: str, **more: Any) -> dict[str, Any]:
    drug = {"system": RXNORM, "code": code, "display": "a drug"}
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [drug]},
        "subject": {"reference": f"Patient/e-{name}", "display": "SECRET"},
        "encounter": {"reference": "Encounter/SECRET"},
        "dosageInstruction": [{"text": "one a day"}],
        **more,
    }


def document(id_: str, name: str = "ada", *attachments: object, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "type": {"text": "Sleep study"},
        "subject": {"reference": f"Patient/e-{name}", "display": "SECRET"},
        "author": [{"display": "SECRET"}],
        "description": "Polysomnography",
        "content": [{"attachment": each} for each in attachments or [INLINE]],
        **more,
    }


def form(id_: str, **answer: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "status": "completed",
        "questionnaire": "https://payer.example/Questionnaire/cpap",
        "subject": {"reference": "Patient/e-ada"},
        "authored": "2026-02-03",
        "source": {"display": "SECRET"},
        "item": [{"linkId": "1", "text": "Why", "answer": [answer]}],
    }


def at(url: str) -> dict[str, str]:
    return {"contentType": "text/plain", "url": url}


INLINE = {"contentType": "text/plain", "title": "Study", "data": "QVBORUE="}
OPIOID = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F11.20"}
PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
_BINARY = "https://ehr-a.example/fhir/Binary"
PAPERS = [
    document("d1"),
    document("bobs", "bob"),
    document("labelled", securityLabel=[{"coding": [PSYCHIATRY]}]),
    document("apart", "ada", at(f"{_BINARY}/b1")),
    document("closed", "ada", at(f"{_BINARY}/b2")),
    document("gone", "ada", INLINE, at(f"{_BINARY}/nowhere")),
    document("foreign", "ada", at("https://elsewhere.example/fhir/Binary/b1")),
    {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "QVBBUlQ="},
    {
        "resourceType": "Binary",
        "id": "b2",
        "contentType": "text/plain",
        "data": "QVBBUlQ=",
        "meta": {**META, "security": [PSYCHIATRY]},
    },
    form("f1", valueString="Snores"),
    form("f2", valueCoding=OPIOID),
]


class Practice(Undirected):
    """The coverage subgraph over all of them, asked as the gateway asks it."""

    def __init__(self, writes: Writes) -> None:
        insurer = {"resourceType": "Organization", "id": "o1", "name": "Meadow Mutual"}
        members = [row for name in ("ada", "bob", "gone") for row in member(name)]
        self.payer = System("https://payer.example", [insurer, *members], pas=True)
        self.ehr = System(
            "https://ehr-a.example",
            [
                prescription("m1", "ada", "314076"),
                prescription("m2", "bob", "314076"),
                # Buprenorphine: its drug alone tells what it is for.
                prescription("m3", "ada", "1010600"),
                *PAPERS,
            ],
            pas=False,
        )
        payer = FhirSource(id="payer", url="https://payer.example/fhir", serves=("coverage",))
        pas = DaVinciPasSource(id="pas", url=payer.url, serves=("coverage",), payer="payer")
        ehr = FhirSource(id="ehr-a", url="https://ehr-a.example/fhir", serves=("medications",))
        server = FhirServer(payer, open_client(payer, network=self.payer))
        desk = AuthorizationDesk(
            "pas",
            payer.url,
            server,
            PasClient(pas, open_client(pas, network=self.payer)),
            Requestor("1999999984", "Lakeside"),
        )
        keeper = FhirServer(ehr, open_client(ehr, network=self.ehr))
        services = Payers(
            {"payer": Payer(server)},
            {},
            {"payer": PriorAuthorizations(server)},
            authorization_desks={"payer": desk},
            orders={"ehr-a": Orders(ehr.url, keeper)},
            papers={"ehr-a": Papers(ehr.url, keeper)},
            writes=writes,
        )
        self.seal, self.crosswalk = IdSeal(KEY), Crosswalk(KEY)
        subgraph = Subgraph("coverage", self.seal, self.crosswalk, self, services)
        self.app = create_subgraph_app(subgraph, SCHEMA, keys={"1": KEY}, clock=lambda: NOW)

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        names = {member: member.id.partition("-")[2] for member in members}
        return {member: Person(name, links_of(name)) for member, name in names.items()}

    def coverage(self, name: str = "ada") -> str:
        return self.seal.seal("coverage", RecordRef("payer", "Coverage", f"c-{name}", f"p-{name}"))

    def order(self, id_: str, name: str = "ada") -> str:
        ref = RecordRef("ehr-a", "MedicationRequest", id_, f"e-{name}")
        return self.seal.seal("medications", ref)

    def paper(self, id_: str, name: str = "ada", type_: str = "DocumentReference") -> str:
        return self.seal.seal("records", RecordRef("ehr-a", type_, id_, f"e-{name}"))

    def asking(self, code: str = "E0601", **more: Any) -> dict[str, Any]:
        item = {"service": {"system": HCPCS, "code": code}, "quantity": "40", "unit": "h"}
        asked = {"idempotencyKey": uuid4().hex, "coverage": self.coverage(), "items": [item]}
        return {**asked, **more}

    async def ask(self, query: str, caller: Caller, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        nonce = uuid4().hex if query.startswith("mutation") else None
        context = Context("coverage", body_hash(body), int(NOW), "r1", caller, nonce)
        headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
        _, answered = await post(self.app, "/graphql", body, headers)
        answer = json.loads(answered)
        signed = answer.pop("extensions")["access"]
        answer["report"] = verify_report(signed, subgraph="coverage", request_id="r1", key=KEY)
        return answer

    async def listed(self, name: str = "ada") -> list[dict[str, Any]]:
        links = self.crosswalk.seal_links(name, links_of(name))
        patient = {"__typename": "Patient", "id": name, "links": links}
        query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {_LISTED} }} }}"
        answer = await self.ask(query, WRITER, r=[patient])
        assert "errors" not in answer, answer["errors"]
        nodes: list[dict[str, Any]] = answer["data"]["_entities"][0]["priorAuthorizations"]["nodes"]
        return nodes


@asynccontextmanager
async def opened_practice(home: Any) -> Any:
    metadata = sa.MetaData()
    table = write_table("coverage", metadata)
    database = await open_store(sqlite_url(home, "coverage"), "coverage", metadata)
    try:
        yield Practice(Writes(database, table, KEY))
    finally:
        await database.close()
