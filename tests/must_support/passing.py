"""Examples through a FHIR server over HTTP, the connector, the source and the subgraph."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from contract.context import Caller
from sandbox.faults import Faults
from sandbox.fhir.access import Grant
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.server import FhirServer as SandboxServer
from sandbox.httpserver import Request
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import SubgraphApp, create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.parties import open_party
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.must_support.reading import KINDS, Json, elements, shown
from tests.must_support.table import Row, Table, Type
from tests.subgraphs.signed import KEY, NOW, ask_entities
from tests.subgraphs.undirected import Undirected

SOURCE = "examples"
BASE = "https://examples.example"
WRITTEN = "2026-01-01T00:00:00Z"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True)
class Domain:
    """A subgraph that reads FHIR: its schema, and its services of one server by id."""

    schema: SubgraphSchema
    services: Callable[[Mapping[str, FhirServer]], Any]


@dataclass
class Passed:
    """What came of a set of examples."""

    compared: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many values of each row, by `Type.element`, were recorded and looked for."""
    lost: list[str] = field(default_factory=list)
    """`Type/id element` of each value that is not shown as it was recorded."""


def read_examples(files: Iterable[Path]) -> list[Json]:
    """The resources of files and Bundles, as a server would hold them."""
    found: dict[tuple[str, str], Json] = {}
    for file in files:
        for resource in _within(_DECODER.decode(_local(file.read_bytes()))):
            meta = {"versionId": "1", "lastUpdated": WRITTEN, **resource.get("meta", {})}
            found[resource["resourceType"], resource["id"]] = {**resource, "meta": meta}
    return list(found.values())


def _local(content: bytes) -> bytes:
    """With references to entries of a Bundle as a server writes them once it holds the entries."""
    whole = json.loads(content)
    for entry in whole.get("entry", ()):
        url, resource = entry.get("fullUrl", ""), entry["resource"]
        if url.startswith("urn:uuid:"):
            name = f"{resource['resourceType']}/{resource['id']}"
            content = content.replace(json.dumps(url).encode(), json.dumps(name).encode())
    return content


def _within(content: Json) -> Iterable[Json]:
    if content["resourceType"] != "Bundle":
        yield content
        return
    for entry in content.get("entry", ()):
        yield from _within(entry["resource"])


class Holding(httpx2.AsyncBaseTransport):
    """The sandbox's FHIR server, holding examples; nobody has to sign in."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self.calls: list[str] = []
        self._server = SandboxServer(
            [resource for resource in resources if resource["resourceType"] in PARAMETERS],
            title="Examples",
            url=BASE,
            token_url=f"{BASE}/token",
            verify=lambda _: Grant("test", ("system/*.rs",)),
            faults=Faults,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.calls.append(request.url.path)
        asked = Request(
            request.method,
            request.url.path,
            request.url.query.decode(),
            {**{k.lower(): v for k, v in request.headers.items()}, "authorization": "Bearer t"},
            request.content,
        )
        answer = await self._server.respond(asked)
        headers = {"Content-Type": answer.content_type}
        return httpx2.Response(answer.status, headers=headers, content=answer.body)


class _Everyone(Undirected):
    """Each patient of the examples is a person of the same id."""

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        return {member: Person(member.id, (member,)) for member in members}


@asynccontextmanager
async def opened(
    resources: Sequence[Json], domains: Mapping[str, Domain], network: Holding | None = None
) -> AsyncIterator[Mapping[str, SubgraphApp]]:
    """Each subgraph over a server that holds these: `network`, for who counts its calls."""
    config = FhirSource(id=SOURCE, url=f"{BASE}/fhir", serves=tuple(domains))
    async with serving(config, domains, network or Holding(resources)) as apps:
        yield apps


@asynccontextmanager
async def serving(
    config: FhirSource,
    domains: Mapping[str, Domain],
    network: httpx2.AsyncBaseTransport | None = None,
) -> AsyncIterator[Mapping[str, SubgraphApp]]:
    """Each subgraph over one server, whose id is `SOURCE`."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(config, network=network))
        servers = {SOURCE: FhirServer(config, client)}
        yield {
            name: create_subgraph_app(
                Subgraph(
                    name,
                    IdSeal(KEY),
                    Crosswalk(KEY),
                    _Everyone(),
                    domain.services(servers),
                    now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
                ),
                domain.schema,
                keys={"1": KEY},
                clock=lambda: NOW,
            )
            for name, domain in domains.items()
        }


async def pass_all(
    table: Table, resources: Sequence[Json], domains: Mapping[str, Domain]
) -> Passed:
    """Ask for every row of every type, of all these resources, as each patient herself."""
    found = Passed()
    held = {f"{each['resourceType']}/{each['id']}" for each in resources}
    async with opened(resources, domains) as apps:
        for name, type_ in table.types.items():
            own = [
                each
                for each in resources
                if each["resourceType"] == name and not _is_retracted(each)
            ]
            await _pass_type(found, apps[type_.subgraph], name, type_, own, held)
    return found


async def _pass_type(
    found: Passed,
    app: SubgraphApp,
    name: str,
    type_: Type,
    resources: Sequence[Json],
    held: Collection[str],
) -> None:
    by_patient: defaultdict[str, list[Json]] = defaultdict(list)
    for resource in resources:
        by_patient[_patient_of(resource, type_)].append(resource)
    selection = f"... on {type_.typename or name} {{ {_selection(type_.rows)} }}"
    for patient, own in by_patient.items():
        references = [_representation(type_, name, resource, patient) for resource in own]
        launch = f"{SOURCE}/{patient or 'any'}"
        caller = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=launch)
        answer = await ask_entities(app, type_.subgraph, selection, *references, caller=caller)
        assert "errors" not in answer, (name, answer["errors"])
        for resource, node in zip(own, answer["data"]["_entities"], strict=True):
            _compare(found, name, type_, resource, node, held)


def _is_retracted(resource: Json) -> bool:
    """What was entered in error is no fact, and rightly lost."""
    said = elements(resource, "status") + elements(resource, "verificationStatus.coding.code")
    return "entered-in-error" in said


def _patient_of(resource: Json, type_: Type) -> str:
    """Empty for what belongs to no patient."""
    if not type_.owner:
        return ""
    return elements(resource, type_.owner)[0]["reference"].partition("/")[2]


def _representation(type_: Type, name: str, resource: Json, patient: str) -> Json:
    id_ = type_.known_as.format(id=resource["id"])
    sealed = seal(type_.subgraph, type_.sealed or name, id_, patient)
    return {"__typename": type_.typename or name, "id": sealed}


def seal(subgraph: str, name: str, id_: str, patient: str) -> str:
    """The id of a node of the examples' source."""
    return IdSeal(KEY).seal(subgraph, RecordRef(SOURCE, name, id_, patient))


def _selection(rows: Iterable[Row]) -> str:
    tree: dict[str, Any] = {}
    for row in rows:
        *outer, last = row.path.split(".")
        place = tree
        for segment in outer:
            place = place.setdefault(segment, {})
        place.setdefault(last, {})[KINDS[row.kind].selection] = None
    return _printed(tree)


def _printed(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {_braced(below)}" for name, below in tree.items())


def _braced(below: Mapping[str, Any]) -> str:
    """What is asked of one field: by rows of its own, and by rows that lead through it."""
    own = " ".join(selection[1:-1] for selection, part in below.items() if part is None)
    inner = _printed({name: part for name, part in below.items() if part is not None})
    content = f"{own} {inner}".strip()
    return f"{{ {content} }}" if content else ""


def _compare(
    found: Passed, name: str, type_: Type, resource: Json, node: Json, held: Collection[str]
) -> None:
    for row in type_.rows:
        kind, told = KINDS[row.kind], shown(node, row.path)
        recorded = elements(resource, row.element)
        if kind.leads:
            # A visit's name alone leads to no node, nor does a reference to what nobody holds.
            recorded = [each for each in recorded if each.get("reference") in held]
        found.compared[f"{name}.{row.element}"] += len(recorded)
        for value in recorded:
            if not any(kind.says(value, each, _open) for each in told):
                found.lost.append(f"{name}/{resource['id']} {row.element}")


def _open(subgraph: str, type_: str, id_: str) -> tuple[str, str] | None:
    if subgraph == "party":
        party = open_party(IdSeal(KEY), (type_,), id_)
        return (party.type, party.url or party.value or "") if party else None
    ref = IdSeal(KEY).open(subgraph, type_, id_)
    return (ref.type, ref.id) if ref else None
