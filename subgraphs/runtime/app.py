"""A subgraph as a raw ASGI application: POST /graphql, GET /health and /ready.

Raw because a framework's route costs three times the handler. Every request carries the gateway's
signed context, and every answer the signed access report; `dev=True` lets requests without a
context in, as a developer, from this machine only.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import orjson
from graphql import DocumentNode, OperationType

from contract.access import EXTENSION, sign_report
from contract.context import HEADER, Context, ContextRefusedError, verify_context
from contract.errors import MEANINGS, Code
from contract.event_stream import MEDIA_TYPE as EVENT_STREAM
from subgraphs.runtime.access import DEVELOPER, NOBODY, Access
from subgraphs.runtime.asgi import Answers, Receive, Reply, Scope, Send
from subgraphs.runtime.event_stream import send_events
from subgraphs.runtime.execution import Documents, Invalid, complaint, operation_type, run
from subgraphs.runtime.nonces import LocalNonces, Nonces
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.sockets import serve_socket
from subgraphs.runtime.subscribing import run_subscription
from subgraphs.runtime.trace import EXTENSION as TRACE_EXTENSION
from subgraphs.runtime.trace import HEADER as TRACE_HEADER
from subgraphs.runtime.trace import Trace

MAX_BODY: Final = 4 * 1024 * 1024
MAX_STREAMS: Final = 5_000


Handler = Callable[[bytes, Mapping[bytes, bytes]], Awaitable[Reply]]
"""A POST route beside /graphql: body and headers in, reply out."""


class GraphQLBody(msgspec.Struct):
    """https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters"""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the protocol's name


@dataclass(frozen=True, slots=True)
class _Asked:
    body: GraphQLBody
    document: DocumentNode
    context: Context | None


async def _always_ready() -> bool:
    return True


def create_subgraph_app(
    subgraph: Subgraph[Any],
    schema: SubgraphSchema,
    *,
    keys: Mapping[str, bytes],
    dev: bool = False,
    ready: Callable[[], Awaitable[bool]] = _always_ready,
    routes: Mapping[str, Handler] | None = None,
    clock: Callable[[], float] = time.time,
    nonces: Nonces | None = None,
) -> SubgraphApp:
    """The application of one subgraph; `keys` are those of `context:<name>`, by key id.

    Without `nonces` shared by all its replicas, this process remembers its own.
    """
    return SubgraphApp(
        subgraph,
        schema,
        keys,
        dev,
        ready,
        dict(routes or {}),
        clock,
        nonces or LocalNonces(),
    )


@dataclass(slots=True)
class SubgraphApp:
    subgraph: Subgraph[Any]
    schema: SubgraphSchema
    keys: Mapping[str, bytes]
    dev: bool
    ready: Callable[[], Awaitable[bool]]
    routes: Mapping[str, Handler]
    clock: Callable[[], float]
    nonces: Nonces
    documents: Documents = field(init=False)
    under_way: int = field(init=False, default=0)
    """Subscriptions."""

    def __post_init__(self) -> None:
        self.documents = Documents(self.schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            reply = await self._reply(scope, receive)
            if isinstance(reply, Reply):
                await _send(send, reply)
            else:
                await send_events(receive, send, reply)
        else:
            await serve_socket(self._listen, scope, receive, send)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply | Answers:
        path = scope["path"]
        if path in ("/health", "/ready"):
            return await self._probe(path)
        if path != "/graphql" and path not in self.routes:
            return refuse(Code.NOT_FOUND)
        if scope["method"] != "POST":
            return refuse(Code.METHOD_NOT_ALLOWED)
        body = await _read_body(receive)
        if body is None:
            return refuse(Code.PAYLOAD_TOO_LARGE)
        headers = {name.lower(): value for name, value in scope["headers"]}
        if path != "/graphql":
            return await self.routes[path](body, headers)
        return await self._graphql(body, headers, scope)

    async def _probe(self, path: str) -> Reply:
        if path == "/health":
            return Reply(200, b'{"status":"ok"}')
        if await self.ready():
            return Reply(200, b'{"status":"ready"}')
        return Reply(503, b'{"status":"starting"}')

    async def _graphql(
        self, body: bytes, headers: Mapping[bytes, bytes], scope: Scope
    ) -> Reply | Answers:
        asked = self._admit(body, headers.get(HEADER.encode()), scope)
        if isinstance(asked, Reply):
            return asked
        kind = operation_type(asked.document, asked.body.operationName)
        if kind is OperationType.SUBSCRIPTION:
            takes_events = EVENT_STREAM in headers.get(b"accept", b"").decode("latin-1").lower()
            return await self._subscribe(asked) if takes_events else refuse(Code.STREAM_REQUIRED)
        if kind is OperationType.MUTATION and not await self._comes_once(asked.context):
            return refuse(Code.CONTEXT_REFUSED)
        request = self._open_request(asked)
        trace = Trace() if headers.get(TRACE_HEADER) == TRACE_EXTENSION.encode() else None
        answer = await run(
            self.schema,
            asked.document,
            context=request,
            variables=asked.body.variables or {},
            operation_name=asked.body.operationName,
            trace=trace,
        )
        return Reply(200, self._encode(asked, request, answer, trace))

    async def _listen(self, body: bytes, context: bytes | None, scope: Scope) -> Reply | Answers:
        """For a subscription over a socket, where the context is no header of its own."""
        asked = self._admit(body, context, scope)
        if isinstance(asked, Reply):
            return asked
        kind = operation_type(asked.document, asked.body.operationName)
        if kind is not OperationType.SUBSCRIPTION:
            return refuse(Code.BAD_REQUEST)
        return await self._subscribe(asked)

    async def _subscribe(self, asked: _Asked) -> Reply | Answers:
        if not await self._comes_once(asked.context):
            # A context that was overheard would else be good for events without end.
            return refuse(Code.CONTEXT_REFUSED)
        return refuse(Code.OVERLOADED) if self.under_way >= MAX_STREAMS else self._answers(asked)

    def _admit(self, body: bytes, given: bytes | None, scope: Scope) -> _Asked | Reply:
        """What is asked, once it is known who asks; else the refusal."""
        try:
            context = self._context(body, given, scope)
        except ContextRefusedError:
            return refuse(Code.CONTEXT_REFUSED)
        try:
            asked = msgspec.json.decode(body, type=GraphQLBody)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return refuse(Code.BAD_REQUEST)
        document = self.documents.get(asked.query)
        if isinstance(document, Invalid):
            return Reply(400, orjson.dumps({"errors": document.errors}))
        return _Asked(asked, document, context)

    async def _comes_once(self, context: Context | None) -> bool:
        """Whether its nonce is fresh; a developer on this machine needs none."""
        if context is None:
            return True
        nonce = context.nonce
        return nonce is not None and await self.nonces.take(self.subgraph.name, nonce)

    def _open_request(self, asked: _Asked) -> Request[Any]:
        context = asked.context
        access = Access(self._caller(context))
        return Request(self.subgraph, access, context.request_id if context else "")

    async def _answers(self, asked: _Asked) -> Answers:
        answers = run_subscription(
            self.schema,
            asked.document,
            open_request=lambda: self._open_request(asked),
            variables=asked.body.variables or {},
            operation_name=asked.body.operationName,
        )
        self.under_way += 1
        try:
            async with aclosing(answers):
                async for answer, request in answers:
                    yield self._encode(asked, request, answer)
        finally:
            self.under_way -= 1

    def _encode(
        self,
        asked: _Asked,
        request: Request[Any],
        answer: dict[str, Any],
        trace: Trace | None = None,
    ) -> bytes:
        extensions: dict[str, Any] = {}
        if trace is not None:
            extensions[TRACE_EXTENSION] = trace.encode()
        if asked.context is not None:
            report = request.access.report(self.subgraph.name, asked.context.request_id)
            extensions[EXTENSION] = sign_report(report, self.keys[asked.context.key_id])
        if extensions:
            answer["extensions"] = extensions
        return orjson.dumps(answer)

    def _context(self, body: bytes, given: bytes | None, scope: Scope) -> Context | None:
        """The verified context; None for a developer on this machine, who needs none."""
        if given is None and self.dev and _is_local(scope):
            return None
        return verify_context(
            given.decode("latin-1") if given is not None else None,
            body=body,
            audience=self.subgraph.name,
            keys=self.keys,
            now=self.clock(),
        )

    def _caller(self, context: Context | None) -> Any:
        if context is None or (context.caller is None and self.dev):
            return DEVELOPER
        return context.caller or NOBODY


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None:
        # In this process, or over a Unix socket.
        return True
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def refuse(code: Code) -> Reply:
    return Reply(MEANINGS[code].status, orjson.dumps({"errors": [complaint(code)]}))


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None when it is too large."""
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return body


async def _send(send: Send, reply: Reply) -> None:
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
