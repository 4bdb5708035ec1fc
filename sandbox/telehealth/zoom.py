"""A vendor of Zoom's shape. https://developers.zoom.us/docs/api/meetings/

    POST   /oauth/token                 grant_type=account_credentials
    POST   /v2/users/{user}/meetings    GET lists those ahead, by pages
    GET    /v2/meetings/{id}            PATCH moves it, DELETE calls it off

Like the original it has no idempotency key, and a meeting that is over reads like one ahead.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sandbox.data.appointments import BookedVisit
from sandbox.data.shapes import instant
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.telehealth.webhooks import Pushed, Webhook
from sandbox.wire import json_response, query_pairs

ACCOUNT, CLIENT = "sandbox-account", "sandbox-client"
FIRST_ID = 90_000_000_000
_LIFETIME = 3600
_PAGE = 30
_EVENTS = {"started": "meeting.started", "ended": "meeting.ended"}


@dataclass(frozen=True, slots=True)
class Meeting:
    id: int
    starts_at: datetime
    minutes: int
    agenda: str = ""
    user: str = "me"
    started: bool = False


class ZoomServer:
    def __init__(
        self, visits: Iterable[BookedVisit], *, url: str, secret: str, webhook: Webhook
    ) -> None:
        self._meetings = {int(visit.id): _meeting(visit) for visit in visits}
        self._next_id = max(self._meetings, default=FIRST_ID) + 1
        self._url = url
        self._secret = secret
        self._webhook = webhook
        self._tokens: set[str] = set()

    def classify(self, request: Request) -> Call:
        if request.path == "/oauth/token":
            return Call(Kind.TOKEN, "zoom")
        writes = {"POST": Kind.CREATE, "PATCH": Kind.UPDATE, "DELETE": Kind.UPDATE}
        return Call(writes.get(request.method, Kind.VISITS), "meeting")

    async def respond(self, request: Request) -> Response:
        path = request.path.strip("/").split("/")
        if (request.method, path) == ("POST", ["oauth", "token"]):
            return self._token(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            return _error(401, 124, "Invalid access token.")
        match request.method, path:
            case "POST", ["v2", "users", user, "meetings"]:
                return self._create(user, request)
            case "GET", ["v2", "users", user, "meetings"]:
                return self._list(user, dict(query_pairs(request)))
            case _, ["v2", "meetings", id_]:
                return self._one(request, id_)
        return _error(404, 404, "Not found.")

    async def change_status(self, id_: str, status: str, pushed: Pushed) -> int | None:
        """The sandbox's own lever: what the webhook's last receiver answered; KeyError for no such
        meeting or status."""
        meeting = self._meetings[int(id_)]
        self._meetings[meeting.id] = replace(meeting, started=status == "started")
        event = {
            "event": _EVENTS[status],
            "event_ts": int(datetime.now(UTC).timestamp() * 1000),
            "payload": {
                "account_id": ACCOUNT,
                "object": {"id": id_, "type": 2, "start_time": instant(meeting.starts_at)},
            },
        }
        return await self._webhook.push(event, pushed)

    async def validate(self) -> Response:
        """What Zoom asks of a receiver from time to time."""
        plain = secrets.token_urlsafe(16)
        event = {
            "event": "endpoint.url_validation",
            "event_ts": int(datetime.now(UTC).timestamp() * 1000),
            "payload": {"plainToken": plain},
        }
        said = await self._webhook.ask(event)
        mac = hmac.new(self._webhook.secret.encode(), plain.encode(), "sha256").hexdigest()
        expected = {"plainToken": plain, "encryptedToken": mac}
        return json_response(200, {"valid": said == expected})

    def _token(self, request: Request) -> Response:
        given = base64.b64encode(f"{CLIENT}:{self._secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {given}":
            return json_response(400, {"reason": "Invalid client", "error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        grant = {"access_token": token, "token_type": "bearer", "expires_in": _LIFETIME}
        return json_response(200, grant)

    def _create(self, user: str, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(request.body, type=_Asked)
        except msgspec.DecodeError:
            return _error(400, 300, "Validation failed.")
        meeting = Meeting(self._next_id, asked.start_time, asked.duration, asked.agenda, user)
        self._next_id += 1
        self._meetings[meeting.id] = meeting
        return json_response(201, self._show(meeting))

    def _list(self, user: str, params: dict[str, str]) -> Response:
        """Without the hosts' doors, as the original's."""
        own = [each for each in self._meetings.values() if each.user == user]
        start = int(params.get("next_page_token") or 0)
        size = min(int(params.get("page_size", "30")), _PAGE)
        shown = own[start : start + size]
        more = str(start + size) if start + size < len(own) else ""
        rows = [
            {key: value for key, value in self._show(each).items() if key != "start_url"}
            for each in shown
        ]
        return json_response(200, {"meetings": rows, "next_page_token": more})

    def _one(self, request: Request, id_: str) -> Response:
        meeting = self._meetings.get(int(id_)) if id_.isdecimal() else None
        if meeting is None:
            return _error(404, 3001, "Meeting does not exist.")
        match request.method:
            case "GET":
                return json_response(200, self._show(meeting))
            case "PATCH":
                asked = msgspec.json.decode(request.body, type=_Asked)
                self._meetings[meeting.id] = replace(
                    meeting, starts_at=asked.start_time, minutes=asked.duration
                )
            case "DELETE":
                del self._meetings[meeting.id]
            case _:
                return _error(405, 405, "Not allowed.")
        return Response(204)

    def _show(self, meeting: Meeting) -> dict[str, Any]:
        return {
            "id": meeting.id,
            "uuid": f"uuid-{meeting.id}",
            "topic": "Video visit",
            "type": 2,
            "status": "started" if meeting.started else "waiting",
            "start_time": instant(meeting.starts_at),
            "duration": meeting.minutes,
            "timezone": "UTC",
            "agenda": meeting.agenda,
            "join_url": f"{self._url}/j/{meeting.id}?pwd=guest",
            "start_url": f"{self._url}/s/{meeting.id}?zak={secrets.token_urlsafe(24)}",
            "password": "guest",
        }


class _Asked(msgspec.Struct):
    start_time: datetime
    duration: int
    agenda: str = ""


def _meeting(visit: BookedVisit) -> Meeting:
    minutes = (visit.ends_at - visit.starts_at) // timedelta(minutes=1)
    return Meeting(int(visit.id), visit.starts_at, minutes, started=visit.status == "started")


def _error(status: int, code: int, message: str) -> Response:
    return json_response(status, {"code": code, "message": message})
