"""What it costs to know who asks and what of the patient summary is permitted.

    python -m bench.authorization

The demo's sandbox runs in a process of its own. Here are the gateway and the subgraphs, and beside
them a gateway alone, whose subgraphs are what they answered before, unsigned and unaudited: of that
one, the share is the greatest it can be. All is CPU of this process, in one run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import structlog
import uvloop

from bench.measuring import cpu_seconds, table
from chartgraph.demo import issuers, sandbox, write_sources
from chartgraph.tokens import persona_token
from contract.context import Caller
from gateway.app import GatewayApp, create_app
from gateway.asked import Asked, Selected
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import Identity
from gateway.authorization.policy_files import read_policies
from gateway.documents.request import GraphQLRequest
from gateway.execution.client import Events, Headers, HeaderSink, SubgraphClient
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.execution.wire import decode
from gateway.pipeline import Pipeline
from gateway.settings import load_settings
from schema import OPERATIONS, POLICIES, SUPERGRAPH
from subgraphs.catalog import NAMES, open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings

SUMMARY = (OPERATIONS / "patient-summary.graphql").read_text(encoding="utf-8")
PERSONA = "clinician"
WARM, ANSWERS, ROUNDS = 20, 100, 3
DECISIONS = 20_000
CLASSES = 500


@dataclass
class Recorded:
    """A subgraph that keeps what it answered; told to `replay`, it is asked no more."""

    client: SubgraphClient
    answers: dict[bytes, bytes] = field(default_factory=dict)
    replay: bool = False

    async def send(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
        *,
        repeatable: bool = False,
        sink: HeaderSink | None = None,
    ) -> bytes:
        if not self.replay:
            self.answers[body] = await self.client.send(
                body, headers, timeout, repeatable=repeatable, sink=sink
            )
        return self.answers[body]

    def subscribe(self, body: bytes, headers: Headers, timeout: float) -> Events:
        return self.client.subscribe(body, headers, timeout)

    async def close(self) -> None:
        await self.client.close()


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds of CPU for one answer."""

    whole: float
    identifying: float
    deciding: float

    @property
    def percent(self) -> float:
        return 100 * (self.identifying + self.deciding) / self.whole


def main() -> None:
    # What the subgraphs say of themselves is no part of the table.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        together, alone = uvloop.run(_measure(Path(folder)))
    rows = [
        ["the summary, gateway and subgraphs", f"{1e3 * together.whole:.2f} ms", ""],
        ["who asks and what is permitted, of that", f"{together.percent:.2f} %", "at most 5 %"],
        ["the summary, the gateway alone", f"{1e3 * alone.whole:.2f} ms", ""],
        ["who asks and what is permitted, of that", f"{alone.percent:.2f} %", "at most 5 %"],
        ["who asks, a token that is known", f"{1e6 * alone.identifying:.2f} µs", ""],
        ["a decision from the cache", f"{1e6 * alone.deciding:.2f} µs", "at most 2 µs"],
        ["the grants of a class of callers, from the cache", _known_class(), "at most 2 µs"],
        ["the policies asked for a new class", _new_class(), ""],
    ]
    sys.stdout.write(table(["authorization, CPU", "measured", "to be"], rows))


async def _measure(home: Path) -> tuple[Share, Share]:
    async with AsyncExitStack() as stack:
        demo = stack.enter_context(
            sandbox(home, webhook_url="http://127.0.0.1:9", seed=7, patients=64)
        )
        write_sources(demo, home / "sources.yaml")
        runtime = RuntimeSettings(home=home, sources=home / "sources.yaml")
        apps = await stack.enter_async_context(open_subgraphs(NAMES, runtime))
        clients = {name: Recorded(DirectSubgraphClient(app)) for name, app in apps.items()}
        settings: dict[str, Any] = {
            "supergraph": SUPERGRAPH,
            "home": home,
            "policies": POLICIES,
            "issuers": issuers(demo),
        }
        signing = await _start(
            stack, clients, settings | {"signed_subgraphs": frozenset(NAMES), "audit": True}
        )
        for app in apps.values():
            await _await_true(app.ready)
        token = msgspec.json.decode(await persona_token(demo.issuer, PERSONA))["access_token"]
        asked = await _summary(signing, token)
        together = await _share(signing, asked)
        for client in clients.values():
            client.replay = True
        bare = await _start(stack, clients, settings | {"audit": False})
        return together, await _share(bare, asked)


async def _start(
    stack: AsyncExitStack, clients: Mapping[str, Recorded], given: Mapping[str, Any]
) -> Pipeline:
    app: GatewayApp = create_app(load_settings(None, **given), clients)
    await app.start()
    stack.push_async_callback(app.stop)
    await _await_true(lambda: _is_ready(app))
    assert app.assembly is not None, "it has been started"
    return app.assembly.pipeline


async def _is_ready(app: GatewayApp) -> bool:
    return all((await app.checks()).values())


async def _await_true(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 - others tell of it only when they are asked
        await asyncio.sleep(0.1)


async def _summary(pipeline: Pipeline, token: str) -> Asked:
    """Of some patient, whose id is the same for every gateway with these keys."""
    first = GraphQLRequest("{ patients(first: 1) { nodes { id } } }")
    answer = decode(await pipeline.answer(Asked(first, f"Bearer {token}"), "0"))
    (patient,) = answer["data"]["patients"]["nodes"]
    return Asked(GraphQLRequest(SUMMARY, variables={"id": patient["id"]}), f"Bearer {token}")


async def _share(pipeline: Pipeline, asked: Asked) -> Share:
    for number in range(WARM):
        answer = decode(await pipeline.answer(asked, str(number)))
        assert "errors" not in answer, "the summary is answered whole"
    whole = await _cpu(lambda: pipeline.answer(asked, "0"), ANSWERS)
    identifying = await _cpu(lambda: pipeline.preparation.identify(asked.authorization), ANSWERS)
    identity = await pipeline.preparation.identify(asked.authorization)
    document = await pipeline.preparation.resolve(asked.request, identity)
    selected = pipeline.preparation.select(document, asked, identity)
    deciding = cpu_seconds(lambda: _decide(pipeline, selected, identity), ROUNDS)
    return Share(whole, identifying, deciding / DECISIONS)


def _decide(pipeline: Pipeline, selected: Selected, identity: Identity) -> None:
    for _ in range(DECISIONS):
        pipeline.preparation.authorize(selected, identity)


async def _cpu(work: Callable[[], Awaitable[object]], count: int) -> float:
    """Of one, at the best of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(count):
            await work()
        taken.append((process_time() - start) / count)
    return min(taken)


def _known_class() -> str:
    grants_of, caller = GrantsOf(read_policies(POLICIES)), Caller("a", roles=("clinician",))

    def ask() -> None:
        for _ in range(DECISIONS):
            grants_of(caller)

    return f"{1e6 * cpu_seconds(ask, ROUNDS) / DECISIONS:.2f} µs"


def _new_class() -> str:
    policies = read_policies(POLICIES)
    callers = [Caller("a", str(number), roles=("clinician",)) for number in range(CLASSES)]

    def ask() -> None:
        grants_of = GrantsOf(policies)
        for caller in callers:
            grants_of(caller)

    return f"{1e6 * cpu_seconds(ask, ROUNDS) / CLASSES:.0f} µs"


if __name__ == "__main__":
    main()
