"""All subgraphs in this process over the real sandbox, asked the way the gateway asks them."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import yaml

from contract.access import AccessReport, verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from contract.keys import derive_key
from subgraphs.catalog import NAMES, open_subgraphs
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.sealing import IdSeal, RecordRef
from subgraphs.runtime.settings import RuntimeSettings

MASTER = b"m" * 32
_EHR = [
    *("identity", "records", "diagnostics", "medications"),
    *("scheduling", "telehealth", "directory"),
]
SERVES = {
    "ehr-a": _EHR,
    "ehr-b": _EHR,
    "payer": ["identity", "coverage", "directory"],
    "payer-x12": ["coverage"],
    "payer-pas": ["coverage"],
    "telehealth": ["telehealth", "scheduling"],
    "zoom": ["telehealth"],
    "twilio": ["telehealth"],
}
ROOMS = "https://rooms.example/channel|video"
CLINICIAN = Caller(subject="clinician-1", roles=("clinician",), scopes=("user/*.rs",))


def write_sources(ready: Mapping[str, Any], path) -> None:
    client = ready["client"]
    smart = {
        "kind": "smart-backend",
        "token_url": ready["token_url"],
        "client_id": client["client_id"],
        "key_file": client["key_file"],
        "scope": client["scope"],
    }
    sources = {}
    for name, serves in SERVES.items():
        upstream = ready["upstreams"][name]
        source = {"kind": upstream["kind"], "url": upstream["url"], "serves": serves, "auth": smart}
        if name == "payer-pas":
            source["payer"] = "payer"
        if name == "payer-x12":
            source |= {key: upstream[key] for key in ("sender_id", "receiver_id")}
            source["payer"] = "payer"
        if "auth" in upstream:
            given = ("auth", "channels", "account")
            source |= {key: upstream[key] for key in given if key in upstream}
            source["webhook_secret_file"] = ready["webhook_secret_file"]
        if name == "twilio":
            source |= {"channels": [ROOMS], "callback_url": "http://127.0.0.1:9/webhooks/twilio"}
        sources[name] = source
    path.write_text(yaml.safe_dump({"sources": sources}))


@dataclass
class Answer:
    data: Any
    errors: list[dict[str, Any]]
    report: AccessReport

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


@dataclass
class Graph:
    """The running subgraphs; `ask` signs a request for one of them and verifies its report."""

    apps: Mapping[str, Any]
    truth: Mapping[str, Any]
    launch: str

    async def ask(
        self, subgraph: str, query: str, caller: Caller = CLINICIAN, **variables: Any
    ) -> Answer:
        body = json.dumps({"query": query, "variables": variables}).encode()
        key = derive_key(MASTER, f"context:{subgraph}")
        nonce = uuid4().hex if query.startswith("mutation") else None
        context = Context(subgraph, body_hash(body), int(time.time()), "r1", caller, nonce)
        status, answer = await call(
            self.apps[subgraph], body, [(HEADER.encode(), sign_context(context, key).encode())]
        )
        assert status == 200, answer
        signed = answer["extensions"]["access"]
        report = verify_report(signed, subgraph=subgraph, request_id="r1", key=key)
        return Answer(answer.get("data"), answer.get("errors", []), report)

    async def entities(
        self, subgraph: str, selection: str, *representations: Any, caller: Caller = CLINICIAN
    ) -> Answer:
        """What the gateway's entity fetch gives: `data` is the list."""
        query = f"query($r:[_Any!]!){{_entities(representations:$r){{ {selection} }}}}"
        answer = await self.ask(subgraph, query, caller, r=list(representations))
        answer.data = answer.data["_entities"]
        return answer

    async def patient(self, source: str, id_: str) -> dict[str, Any]:
        """The representation of the person behind a source's patient, with links."""
        seal = IdSeal(derive_key(MASTER, "seal:ids"))
        sealed = seal.seal("identity", RecordRef(source, "Patient", id_, id_))
        answer = await self.entities(
            "identity", "... on Patient { id links }", {"__typename": "Patient", "id": sealed}
        )
        (found,) = answer.data
        return {"__typename": "Patient", **found}

    def links(self, patient: Mapping[str, Any]) -> tuple[Link, ...]:
        """A representation's links, opened."""
        crosswalk = Crosswalk(derive_key(MASTER, "seal:links"))
        opened = crosswalk.open_links(patient["id"], patient["links"])
        return opened.links if opened else ()

    async def patients(self, first: int) -> list[dict[str, Any]]:
        answer = await self.ask(
            "identity", "query($n:Int!){patients(first:$n){nodes{id links}}}", n=first
        )
        return [{"__typename": "Patient", **node} for node in answer.data["patients"]["nodes"]]


async def call(app, body: bytes, headers=(), path="/graphql", method="POST"):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def settled(app) -> None:
    """Until the application says it is ready."""
    for _ in range(3000):
        if (await call(app, b"", path="/ready", method="GET"))[0] == 200:
            return
        await asyncio.sleep(0.01)
    pytest.fail("identity was not ready in time")


@pytest.fixture
def sandbox_settings(sandbox, tmp_path) -> RuntimeSettings:
    return settings_in(tmp_path, sandbox)


def settings_in(home, sandbox) -> RuntimeSettings:
    write_sources(sandbox.ready, home / "sources.yaml")
    return RuntimeSettings(home=home, master_key=base64.b64encode(MASTER).decode())


@pytest.fixture
async def graph(calm_sandbox, sandbox_settings):
    async with opened_graph(calm_sandbox, sandbox_settings) as graph:
        yield graph


@asynccontextmanager
async def opened_graph(sandbox, settings) -> AsyncIterator[Graph]:
    """Ready, crawled, and nothing counted yet."""
    async with AsyncExitStack() as stack:
        apps = await stack.enter_async_context(open_subgraphs(NAMES, settings))
        await settled(apps["identity"])
        sandbox.reset_calls()
        yield Graph(apps, sandbox.truth, sandbox.ready["personas"]["patient"]["patient"])
