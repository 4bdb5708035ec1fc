"""What a gateway does to a subgraph: it signs its requests and reads the signed access report."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context

KEY = b"k" * 32
NOW = 1_000_000.0


async def ask_entities(
    app: Any, audience: str, selection: str, *representations: object, caller: Caller
) -> Any:
    """The answer to an `_entities` query, its access report under `report`."""
    query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}"
    return await ask_subgraph(app, audience, query, caller, r=representations)


async def ask_subgraph(
    app: Any, audience: str, query: str, caller: Caller, **variables: object
) -> Any:
    """The answer to any query, its access report under `report`."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    context = Context(audience, body_hash(body), int(NOW), "r1", caller)
    headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
    _, answered = await post(app, "/graphql", body, headers)
    answer = json.loads(answered)
    assert "extensions" in answer, answer
    signed = answer.pop("extensions")["access"]
    answer["report"] = verify_report(signed, subgraph=audience, request_id="r1", key=KEY)
    return answer


async def ask(app: Any, audience: str, query: str, *, caller: Caller, **variables: object) -> Any:
    """The answer to any operation, its access report under `report`; a mutation has its nonce."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    context = Context(audience, body_hash(body), int(NOW), "r1", caller, nonce=token_hex(8))
    headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
    _, answered = await post(app, "/graphql", body, headers)
    answer = json.loads(answered)
    signed = answer.pop("extensions")["access"]
    answer["report"] = verify_report(signed, subgraph=audience, request_id="r1", key=KEY)
    return answer


async def post(
    app: Any, path: str, body: bytes, headers: list[tuple[bytes, bytes]]
) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
