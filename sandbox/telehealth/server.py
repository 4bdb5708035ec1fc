"""A telehealth vendor: video visits by REST, and webhooks when one changes.

    GET /v1/visits?ids=a,b,c     the visits among them that exist, in no promised order
    GET /v1/visits/{id}          one, or 404
    POST /v1/visits              a new one; the same again for the same Idempotency-Key
    PATCH /v1/visits/{id}        to another time
    DELETE /v1/visits/{id}       called off

`join_url` is the patient's door and lasts as long as the visit. `start_url` is the host's: it holds
a secret, ends soon, and is new at each asking, as Zoom's is.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sandbox.data.appointments import BookedVisit
from sandbox.data.shapes import instant
from sandbox.fhir.access import VerifyToken
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.telehealth.webhooks import Webhook
from sandbox.wire import json_response, query_pairs

MAX_IDS = 100
START_LIFETIME = timedelta(minutes=15)
STATUSES = frozenset({"scheduled", "waiting", "started", "ended", "cancelled"})


@dataclass(frozen=True, slots=True)
class StatusChange:
    """`delivered` is what the webhook's receiver answered, if anyone did."""

    visit: dict[str, Any]
    delivered: int | None


class TelehealthServer:
    def __init__(
        self,
        visits: Iterable[BookedVisit],
        *,
        url: str,
        api_key: str,
        verify: VerifyToken,
        webhook: Webhook,
    ) -> None:
        self._visits = {visit.id: visit for visit in visits}
        self._made: dict[str, str] = {}
        self._url = url
        self._api_key = api_key
        self._verify = verify
        self._webhook = webhook

    def classify(self, request: Request) -> Call:
        if request.path.startswith("/v1/visits"):
            writes = {"POST": Kind.CREATE, "PATCH": Kind.UPDATE, "DELETE": Kind.UPDATE}
            return Call(writes.get(request.method, Kind.VISITS), "visit")
        return Call(Kind.OTHER, "")

    async def respond(self, request: Request) -> Response:
        if not self._admits(request):
            return _error(401, "unauthorized", (("www-authenticate", "Bearer"),))
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v1", "visits"]:
                return self._list(dict(query_pairs(request)).get("ids"))
            case "GET", ["v1", "visits", id_]:
                visit = self._visits.get(id_)
                return json_response(200, self._show(visit)) if visit else _error(404, "not_found")
            case "POST", ["v1", "visits"]:
                return self._create(request)
            case "PATCH" | "DELETE", ["v1", "visits", id_] if id_ in self._visits:
                return self._change(id_, request)
        return _error(404, "not_found")

    async def change_status(self, id_: str, status: str) -> StatusChange | None:
        """The sandbox's own lever: None for no such visit, ValueError for no such status."""
        if status not in STATUSES:
            raise ValueError("no such status")
        visit = self._visits.get(id_)
        if visit is None:
            return None
        self._visits[id_] = replace(visit, status=status)
        event: dict[str, Any] = {
            "id": f"evt-{secrets.token_hex(8)}",
            "type": "visit.status",
            "occurred_at": instant(datetime.now(UTC)),
            "visit": {"id": id_, "status": status},
        }
        return StatusChange(event["visit"], await self._webhook.notify(event))

    def _create(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        id_ = self._made.get(key)
        if id_ is None:
            asked = msgspec.json.decode(request.body, type=_Asked)
            id_ = f"visit-{secrets.token_hex(6)}"
            host = asked.host or ""
            self._visits[id_] = BookedVisit(id_, asked.starts_at, asked.ends_at, host, "scheduled")
            self._made[key] = id_
        return json_response(201, self._show(self._visits[id_]))

    def _change(self, id_: str, request: Request) -> Response:
        visit = self._visits[id_]
        if request.method == "DELETE":
            self._visits[id_] = replace(visit, status="cancelled")
            return Response(204)
        asked = msgspec.json.decode(request.body, type=_Asked)
        moved = replace(visit, starts_at=asked.starts_at, ends_at=asked.ends_at)
        self._visits[id_] = moved
        return json_response(200, self._show(moved))

    def _admits(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(token, self._api_key) or self._verify(token) is not None

    def _list(self, ids: str | None) -> Response:
        wanted = [id_ for id_ in (ids or "").split(",") if id_]
        if not wanted or len(wanted) > MAX_IDS:
            return _error(400, "bad_request")
        found = [self._visits[id_] for id_ in dict.fromkeys(wanted) if id_ in self._visits]
        return json_response(200, {"visits": [self._show(visit) for visit in found]})

    def _join_key(self, id_: str) -> str:
        return hmac.digest(self._api_key.encode(), id_.encode(), "sha256").hex()[:20]

    def _show(self, visit: BookedVisit) -> dict[str, Any]:
        host_until = datetime.now(UTC) + START_LIFETIME
        room = f"{self._url}/room/{visit.id}"
        return {
            "id": visit.id,
            "status": visit.status,
            "starts_at": instant(visit.starts_at),
            "ends_at": instant(visit.ends_at),
            "host": {"name": visit.host},
            "join_url": f"{room}?guest={self._join_key(visit.id)}",
            "start_url": f"{room}?host={secrets.token_urlsafe(24)}",
            "start_url_expires_at": instant(host_until),
        }


class _Asked(msgspec.Struct):
    starts_at: datetime
    ends_at: datetime
    host: str | None = None


def _error(status: int, code: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return json_response(status, {"error": code}, headers)
