"""A vendor in the shape of Twilio's video rooms. https://www.twilio.com/docs/video/api/rooms-resource

POST /v1/Rooms           a form: UniqueName, StatusCallback
GET  /v1/Rooms           ?Status=in-progress, by pages
GET  /v1/Rooms/{name}    POST with Status=completed ends it
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.data.shapes import instant
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.telehealth.webhooks import Pushed, Webhook
from sandbox.wire import form_pairs, json_response, query_pairs

ACCOUNT = "AC" + "5a" * 16
API_KEY = "SK" + "5a" * 16
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Room:
    sid: str
    name: str
    status: str = "in-progress"
    callback: str | None = None
    told: int = 0


class TwilioServer:
    def __init__(self, *, url: str, secret: str, webhook: Webhook) -> None:
        self._rooms: dict[str, Room] = {}
        self._url = url
        self._webhook = webhook
        self._expected = base64.b64encode(f"{API_KEY}:{secret}".encode()).decode()

    def classify(self, request: Request) -> Call:
        return Call(Kind.CREATE if request.method == "POST" else Kind.VISITS, "room")

    async def respond(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Basic {self._expected}":
            return _error(401, 20003, "Authenticate")
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v1", "Rooms"]:
                return self._create(dict(form_pairs(request)))
            case "GET", ["v1", "Rooms"]:
                return self._list(dict(query_pairs(request)))
            case method, ["v1", "Rooms", name] if method in ("GET", "POST"):
                room = self._rooms.get(name)
                if room is None or room.status != "in-progress":
                    return _error(404, 20404, "The requested resource was not found")
                if method == "POST":
                    room = self._rooms[name] = replace(room, status="completed")
                return json_response(200, _show(room))
        return _error(404, 20404, "The requested resource was not found")

    async def tell(self, name: str, event: str, pushed: Pushed) -> int | None:
        """The sandbox's own lever; KeyError for no such room."""
        room = self._rooms[name]
        ended = event == "room-ended"
        status = "completed" if ended else "in-progress"
        self._rooms[name] = replace(room, status=status, told=room.told + 1)
        form = {
            "AccountSid": ACCOUNT,
            "RoomName": name,
            "RoomSid": room.sid,
            "RoomStatus": status,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(room.told),
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return await self._webhook.push(form, pushed)

    def _create(self, form: dict[str, str]) -> Response:
        name = form.get("UniqueName", "")
        known = self._rooms.get(name)
        if not name or (known is not None and known.status == "in-progress"):
            return _error(400, 53113, "Room exists")
        room = Room("RM" + secrets.token_hex(16), name, callback=form.get("StatusCallback"))
        self._rooms[name] = room
        return json_response(201, _show(room))

    def _list(self, params: dict[str, str]) -> Response:
        wanted = params.get("Status")
        rooms = [room for room in self._rooms.values() if wanted in (None, room.status)]
        start = int(params.get("Page", "0")) * _PAGE
        more = start + _PAGE < len(rooms)
        following = f"{self._url}/v1/Rooms?Status={wanted}&Page={start // _PAGE + 1}"
        page = [_show(room) for room in rooms[start : start + _PAGE]]
        meta = {"next_page_url": following if more else None}
        return json_response(200, {"rooms": page, "meta": meta})


def _show(room: Room) -> dict[str, Any]:
    now = instant(datetime.now(UTC))
    return {
        "sid": room.sid,
        "unique_name": room.name,
        "status": room.status,
        "account_sid": ACCOUNT,
        "type": "group",
        "status_callback": room.callback,
        "date_created": now,
    }


def _error(status: int, code: int, message: str) -> Response:
    return json_response(status, {"code": code, "message": message, "status": status})
