"""What refusing costs: each attack beside a small valid request, and what costs and budgets add.

The gateway is called without a server, in this process, so that the CPU time is its own.

python -m bench.limits
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from time import process_time
from typing import Any, Final, TypeAlias

from bench.attacks import ATTACKS, Attack, document
from bench.measuring import table
from gateway.app import create_app
from gateway.composition import SubgraphInput, compose
from gateway.execution.client import Headers, HeaderSink, SubgraphClient
from gateway.settings import Settings

SDL: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@listSize"])
type Query {
  patient(id: ID!): Patient
  weather(at: String, days: Int): String
  entries(first: Int): [Patient!] @listSize(slicingArguments: ["first"], assumedSize: 20)
}
type Patient { id: ID  name: String }
"""
SMALL: Final = document("a small valid request", '{ patient(id: "p-1") { id } }')
REPEATED: Final = Attack(
    "the same again",
    lambda _: b'{"query": "query($n: Int) { entries(first: $n) { id } }", "variables": {"n": 2}}',
)
BUDGET: Final = {"points": {"maximum": 10**9, "restore_rate": 1e9}}
REPEATS: Final = 2_000

Ask: TypeAlias = Callable[[Attack, int], tuple[int, bytes, float]]
"""Status, body and CPU seconds of the n-th attempt."""


class Subgraph(SubgraphClient):
    """Answers whatever it is asked with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def send(
        self,
        body: bytes,  # noqa: ARG002 - the protocol's
        headers: Headers,  # noqa: ARG002
        timeout: float,  # noqa: ARG002, ASYNC109
        *,
        repeatable: bool = False,  # noqa: ARG002
        sink: HeaderSink | None = None,  # noqa: ARG002
    ) -> bytes:
        return self._answer

    def subscribe(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nobody subscribes here")

    async def close(self) -> None:
        pass


ANSWER: Final = b'{"data": {"patient": {"id": "p-1"}, "entries": [{"id": "1"}, {"id": "2"}]}}'


@contextmanager
def gateway(folder: Path, **given: Any) -> Iterator[Ask]:
    supergraph = folder / "supergraph.graphql"
    supergraph.write_text(compose([SubgraphInput("a", "http://a", SDL)]).sdl)
    settings = Settings(supergraph=supergraph, home=folder, dev=True, **given)
    # Every refusal is a line of the log.
    with asyncio.Runner() as runner, redirect_stderr(io.StringIO()):
        app = create_app(settings, {"a": Subgraph(ANSWER)})
        runner.run(app.start())
        yield lambda attack, attempt: runner.run(_ask(app, attack, attempt))
        runner.run(app.stop())


def cheapest(ask: Ask, attack: Attack, attempts: int) -> float:
    """CPU seconds: the least of some, for whatever else runs only adds to it."""
    return min(ask(attack, attempt)[2] for attempt in range(attempts))


async def _ask(app: Any, attack: Attack, attempt: int) -> tuple[int, bytes, float]:
    given = attack.body(attempt)
    endless = not isinstance(given, bytes)
    chunks = iter([given] if isinstance(given, bytes) else given)
    headers = {"host": "localhost", "accept": "application/graphql-response+json"}
    headers |= {"content-type": attack.content_type} if attack.content_type else {}
    headers |= {name.replace("_", "-"): value for name, value in attack.headers.items()}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(chunks), "more_body": endless}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    started = process_time()
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"], process_time() - started


def _attacks(folder: Path) -> list[Sequence[str]]:
    with gateway(folder) as ask:
        small = cheapest(ask, SMALL, 50)
        again = cheapest(ask, REPEATED, 200)
        rows: list[Sequence[str]] = [
            (SMALL.name, "200", f"{small * 1000:.2f}", "1"),
            (REPEATED.name, "200", f"{again * 1000:.2f}", f"{again / small:.1f}"),
        ]
        for attack in ATTACKS:
            status, _, _ = ask(attack, -1)
            spent = cheapest(ask, attack, 5)
            rows.append((attack.name, str(status), f"{spent * 1000:.2f}", f"{spent / small:.1f}"))
    return rows


def _additions(folder: Path) -> list[Sequence[str]]:
    """Microseconds of a cached document's request, by what is configured."""
    ways: dict[str, dict[str, Any]] = {
        "costs off": {"cost": {"mode": "off"}},
        "costs measured (the default)": {},
        "costs enforced": {"cost": {"mode": "enforce"}},
        "and told in the answer": {"cost": {"mode": "enforce", "show": "everyone"}},
        "and paid from a budget in this process": {
            "cost": {"mode": "enforce", "show": "everyone"},
            "budget": BUDGET,
        },
    }
    rows: list[Sequence[str]] = []
    for name, given in ways.items():
        with gateway(folder, **given) as ask:
            least = cheapest(ask, REPEATED, REPEATS)
            rows.append((name, f"{least * 1_000_000:.0f}"))
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        heads = ("request", "status", "CPU, ms", "of the small one's")
        sys.stdout.write(table(heads, _attacks(Path(folder))) + "\n")
        sys.stdout.write(table(("a repeated small request", "CPU, µs"), _additions(Path(folder))))


if __name__ == "__main__":
    main()
