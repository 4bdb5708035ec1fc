"""A subgraph that runs a small schema and does, or fails to do, what a subgraph of ours owes."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema, build_schema, graphql_sync, parse, subscribe

from contract.access import EXTENSION, AccessReport, Refusal, sign_report
from contract.context import HEADER, Context, verify_context
from gateway.execution.client import SubgraphUnavailable

LINKS = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
{ query: Query  mutation: Mutation }
directive @join__field(graph: join__Graph, requires: String, provides: String, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: String, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [String]) repeatable on SCHEMA
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  RECORDS @join__graph(name: "records", url: "http://127.0.0.1:9/records")
  WEATHER @join__graph(name: "weather", url: "http://127.0.0.1:9/weather")
}
"""  # noqa: E501 - as composers print it

SUPERGRAPH = (
    LINKS.replace("mutation: Mutation }", "mutation: Mutation  subscription: Subscription }")
    + """
type Query @join__type(graph: RECORDS) @join__type(graph: WEATHER) {
  patient(id: ID!): Patient @join__field(graph: RECORDS)
  weather(at: String, days: Int): String @join__field(graph: WEATHER)
  entries: [Entry!] @join__field(graph: RECORDS)
}
interface Entry @join__type(graph: RECORDS) { id: ID!  title: String }
type Visit implements Entry @join__type(graph: RECORDS)
    @join__implements(graph: RECORDS, interface: "Entry") { id: ID!  title: String }
type Note implements Entry @join__type(graph: RECORDS)
    @join__implements(graph: RECORDS, interface: "Entry") {
  id: ID!
  title: String @requiresScopes(scopes: [["notes"]])
}
type Mutation @join__type(graph: RECORDS) { rename(id: ID!, name: String!): Patient }
type Subscription @join__type(graph: RECORDS) {
  patientChanged(id: ID!, times: Int): Patient
  secretChanged: Patient @requiresScopes(scopes: [["secrets"]])
}
type Patient @join__type(graph: RECORDS, key: "id") @join__type(graph: WEATHER, key: "id") {
  id: ID!
  mood: String @join__field(graph: WEATHER)
  name: String @join__field(graph: RECORDS)
  ssn: String @join__field(graph: RECORDS)
    @requiresScopes(scopes: [["user/Patient.rs", "ssn"]])
}
"""
)

SCHEMAS = {
    "records": build_schema(
        """
        scalar _Any
        union _Entity = Patient
        type Query {
          patient(id: ID!): Patient
          entries: [Entry!]
          _entities(representations: [_Any!]!): [_Entity]!
        }
        interface Entry { id: ID!  title: String }
        type Visit implements Entry { id: ID!  title: String }
        type Note implements Entry { id: ID!  title: String }
        type Mutation { rename(id: ID!, name: String!): Patient }
        type Subscription { patientChanged(id: ID!, times: Int): Patient  secretChanged: Patient }
        type Patient { id: ID!  name: String  ssn: String }
        """
    ),
    "weather": build_schema(
        """
        scalar _Any
        union _Entity = Patient
        type Patient { id: ID!  mood: String }
        type Query {
          weather(at: String, days: Int): String
          _entities(representations: [_Any!]!): [_Entity]!
        }
        """
    ),
}
PATIENT = {"id": "p-1", "name": "Lovelace", "ssn": "999-12-3456"}


def _patient(_info, id: str, name: str | None = None) -> Any:  # noqa: A002 - the argument's name
    return {**PATIENT, "id": id, "name": name or PATIENT["name"]} if id == "p-1" else None


ENTRIES = [
    {"__typename": "Visit", "id": "v-1", "title": "A visit"},
    {"__typename": "Note", "id": "n-1", "title": "Lovelace was here"},
]
ROOT = {
    "patient": _patient,
    "rename": _patient,
    "entries": ENTRIES,
    "weather": lambda _info, **_: "fine",
    "_entities": lambda _info, representations: [
        {**PATIENT, "__typename": "Patient", "id": each["id"], "mood": "fair"}
        for each in representations
    ],
}


async def maybe(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _changes(_info, id: str = "p-1", times: int | None = None):  # noqa: A002 - likewise
    """So many events at once, or else one every few milliseconds."""
    for number in itertools.count() if times is None else range(times):
        await asyncio.sleep(0.005 if times is None else 0)
        patient = {**PATIENT, "id": id, "name": f"{PATIENT['name']} {number}"}
        yield {"patientChanged": patient, "secretChanged": patient}


EVENTS = {"patientChanged": _changes, "secretChanged": _changes}


@dataclass
class ScriptedSubgraph:
    """A `SubgraphClient`. With a key it verifies contexts and signs reports, as `report` says."""

    name: str
    key: bytes | None = None
    report: str = "signed"
    down: bool = False
    breaks: bool = False
    """Fails after the first event of a subscription."""
    listening: int = 0
    """Subscriptions under way."""
    answer: bytes | None = None
    """Instead of what the schema would answer."""
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Answers wait for it."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a request has come."""
    headers: list[dict[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    repeatable: list[bool] = field(default_factory=list)

    async def send(self, body: bytes, headers, timeout, *, repeatable=False, sink=None) -> bytes:  # noqa: ARG002, ASYNC109 - the protocol's
        self.repeatable.append(repeatable)
        for name, value in self.answer_headers if sink is not None else ():
            sink.offer(name, value)
        self.headers.append(dict(headers))
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise SubgraphUnavailable("it is down")
        if self.key is not None:
            self.contexts.append(self._verified(body, headers))
        request = json.loads(body)
        self.documents.append(request["query"])
        if self.answer is not None:
            return self.answer
        result = graphql_sync(
            self.schema, request["query"], ROOT, variable_values=request.get("variables")
        )
        return json.dumps(result.formatted | self._extensions()).encode()

    async def subscribe(self, body: bytes, headers, timeout):  # noqa: ARG002, ASYNC109 - the protocol's
        self.headers.append(dict(headers))
        self.arrived.set()
        if self.down:
            raise SubgraphUnavailable("it is down")
        context = None if self.key is None else self._verified(body, headers)
        if context is not None:
            self.contexts.append(context)
        request = json.loads(body)
        self.documents.append(request["query"])
        if self.answer is not None:
            yield self.answer
            return
        events = await maybe(
            subscribe(
                self.schema,
                parse(request["query"]),
                EVENTS,
                variable_values=request.get("variables"),
                subscribe_field_resolver=lambda root, info, **given: root[info.field_name](
                    info, **given
                ),
            )
        )
        self.listening += 1
        try:
            async for result in events:
                if self.gate is not None:
                    await self.gate.wait()
                yield json.dumps(result.formatted | self._extensions(context)).encode()
                if self.breaks:
                    raise SubgraphUnavailable("it broke off")
        finally:
            self.listening -= 1
            await events.aclose()

    async def close(self) -> None:
        pass

    def _verified(self, body: bytes, headers) -> Context:
        return verify_context(
            dict(headers).get(HEADER),
            body=body,
            audience=self.name,
            keys={"1": self.key},
            now=time.time(),
        )

    @property
    def schema(self) -> GraphQLSchema:
        return SCHEMAS[self.name]

    def _extensions(self, context: Context | None = None) -> dict[str, Any]:
        """To be signed for this context, else for the one that came last."""
        if self.key is None or self.report == "missing":
            return {}
        context = context or self.contexts[-1]
        request_id = context.request_id if self.report != "replayed" else "another"
        report = AccessReport(
            self.name, request_id, ("p-1",), (Refusal("Observation", "label", "p-1"),)
        )
        text = sign_report(report, b"x" * 32 if self.report == "forged" else self.key)
        return {"extensions": {EXTENSION: text if self.report != "nonsense" else {"a": 1}}}
