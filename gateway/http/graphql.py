"""`/graphql`, as a bare ASGI application: GraphQL over HTTP, to the letter.

https://graphql.github.io/graphql-over-http/draft/
POST with JSON is the way in. GET is open to developers, and in production to registered documents
without variables, so that no PHI gets into a URL. There are no batches and no CORS.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from contract.errors import Code
from gateway.asked import Asked, Payloads
from gateway.departure import IN_SCOPE, ClientGoneError
from gateway.documents.request import GraphQLRequest
from gateway.errors import AccessError, BusyError, GatewayError, RequestError
from gateway.execution.response_headers import ResponseHeaders, read_rules
from gateway.execution.wire import encode
from gateway.http.asgi import (
    Named,
    Places,
    Receive,
    Scope,
    Send,
    by_name,
    header,
    names_loopback,
    propagated,
)
from gateway.http.certificates import ShownCertificates
from gateway.http.lane import Lane
from gateway.http.negotiation import (
    JSON,
    ONE_ANSWER,
    Accepted,
    Stream,
    check_content_type,
    negotiate,
)
from gateway.http.reading import read_body, read_url
from gateway.http.responding import OK, Reply, respond
from gateway.http.streams import as_gateway_error, one, respond_with_stream
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.telemetry import Metrics, log, new_request_id

UNAUTHORIZED = 401
# Of a request that is well formed but cannot be run, a client that only knows application/json is
# told with status 200. https://graphql.github.io/graphql-over-http/draft/#sec-application-json
_OPERATION_REFUSED = frozenset(
    {
        Code.GRAPHQL_PARSE_FAILED,
        Code.GRAPHQL_VALIDATION_FAILED,
        Code.OPERATION_RESOLUTION_FAILURE,
        Code.PERSISTED_QUERY_NOT_FOUND,
        Code.INTROSPECTION_DISABLED,
        Code.BAD_USER_INPUT,
    }
)
_TOKEN_REFUSED = frozenset({Code.TOKEN_EXPIRED, Code.TOKEN_INVALID})


class GraphQLEndpoint:
    def __init__(
        self, settings: Settings, pipeline: Callable[[], Pipeline], metrics: Metrics
    ) -> None:
        """`pipeline` tells the present one: a reload exchanges it."""
        self.settings = settings
        self.pipeline = pipeline
        self._metrics = metrics
        self.places = Places(settings.max_in_flight)
        self.streams = Places(settings.streams.open)
        # Asked for when someone looks, so that it costs a request nothing.
        metrics.in_flight.set_function(lambda: self.places.taken)
        metrics.streams.set_function(lambda: self.streams.taken)
        self.propagated = frozenset(name.encode() for name in settings.propagate_headers)
        self.returned = read_rules(settings.response_headers)
        self.certificates = ShownCertificates(settings)
        self.lane = Lane(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = new_request_id()
        named = by_name(scope["headers"])
        accepted = negotiate(header(named, b"accept"))
        opened: bytes | Payloads
        try:
            asked = await self._read(scope, receive, named, accepted)
            returned = ResponseHeaders(self.returned) if self.returned else None
            with self.places.one():
                if accepted.stream is None:
                    opened = await self.pipeline().answer(asked, request_id, returned)
                else:
                    opened = await self.pipeline().open(asked, request_id, returned)
            if accepted.stream is not None and (
                accepted.only_stream or not isinstance(opened, bytes)
            ):
                self.observe("OK", started)
                payloads = one(opened) if isinstance(opened, bytes) else opened
                await self._stream(receive, send, payloads, accepted.stream, request_id)
                return
            assert isinstance(opened, bytes), "a stream was not asked for"
            reply = Reply(OK, opened, "OK", returned.merged() if returned else ())
        except ClientGoneError:
            return
        except GatewayError as error:
            reply = self.refuse(error, request_id, accepted.media_type)
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            foreseen = as_gateway_error(error, request_id)
            reply = self.refuse(foreseen, request_id, accepted.media_type)
        self.observe(reply.code, started)
        await respond(scope, send, reply, accepted.media_type, request_id)

    async def read(self, scope: Scope, receive: Receive) -> Asked:
        """Raises `RequestError` for what is no GraphQL request, or not one we take."""
        return await self._read(scope, receive, by_name(scope["headers"]), ONE_ANSWER)

    async def _read(
        self, scope: Scope, receive: Receive, named: Named, accepted: Accepted
    ) -> Asked:
        if self.settings.dev and not names_loopback(header(named, b"host")):
            # A page whose name was made to point here would be of our own origin.
            raise AccessError(Code.FORBIDDEN, note="another host than loopback")
        if scope["method"] == "POST":
            content_type = header(named, b"content-type")
            check_content_type(content_type, header(named, b"content-encoding"))
            body = await _read_all(named, receive, self.settings.max_body_bytes)
            request = read_body(body)
        elif scope["method"] == "GET":
            request = self._read_get(scope, named)
        else:
            raise RequestError(Code.METHOD_NOT_ALLOWED)
        certificate = self.certificates.thumbprint(scope) if self.certificates.wanted else None
        return Asked(
            request,
            header(named, b"authorization"),
            propagated(scope["headers"], self.propagated),
            certificate,
            accepted.incremental,
            accepted.subscribes,
            scope.get(IN_SCOPE),
        )

    def refuse(self, error: GatewayError, request_id: str, media_type: str) -> Reply:
        status = error.status
        extra: list[tuple[bytes, bytes]] = []
        if media_type == JSON and error.code in _OPERATION_REFUSED:
            status = OK
        if status == UNAUTHORIZED:
            # https://www.rfc-editor.org/rfc/rfc6750#section-3
            reason = b', error="invalid_token"' if error.code in _TOKEN_REFUSED else b""
            extra.append((b"www-authenticate", b'Bearer realm="chartgraph"' + reason))
        if isinstance(error, BusyError):
            extra.append((b"retry-after", b"%d" % error.retry_after))
        if error.code is Code.METHOD_NOT_ALLOWED:
            extra.append((b"allow", b"GET, POST" if self.settings.open else b"POST"))
        log.info("refused", request_id=request_id, code=error.code, reason=str(error))
        body = encode({"errors": error.render(request_id)})
        return Reply(status, body, error.code, tuple(extra))

    def observe(self, code: str, started: float) -> None:
        self._metrics.requests.count(code)
        self._metrics.seconds.observe(time.perf_counter() - started)

    async def _stream(
        self, receive: Receive, send: Send, payloads: Payloads, stream: Stream, request_id: str
    ) -> None:
        """What goes wrong from here on is told within the stream."""
        with self.streams.one():
            await respond_with_stream(
                receive,
                send,
                payloads,
                stream,
                request_id=request_id,
                limits=self.settings.streams,
            )

    def _read_get(self, scope: Scope, named: Named) -> GraphQLRequest:
        if header(named, b"content-type") is not None:
            # A body's type on a request without one is how a page of another origin probes us.
            check_content_type(header(named, b"content-type"), None)
        if not self.settings.open and b"query=" in scope["query_string"]:
            raise RequestError(Code.METHOD_NOT_ALLOWED)
        request = read_url(scope["query_string"])
        if not self.settings.open and (request.document_id is None or request.variables):
            raise RequestError(Code.METHOD_NOT_ALLOWED)
        return request


async def _read_all(named: Named, receive: Receive, limit: int) -> bytes:
    """The body; refused as soon as it is known to be too long, and never held whole before."""
    announced = header(named, b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise RequestError(Code.PAYLOAD_TOO_LARGE)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise RequestError(Code.PAYLOAD_TOO_LARGE)
        return body
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise RequestError(Code.PAYLOAD_TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
