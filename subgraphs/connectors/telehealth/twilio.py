"""Video rooms in the shape of Twilio's. https://www.twilio.com/docs/video/api/rooms-resource

A room is there only while it is used: one that nobody is in ends after minutes. A visit is known by
the room's unique name, which is made when it is booked; the room itself when somebody comes. Who
enters shows a token that we sign, for one room and one identity
(https://www.twilio.com/docs/iam/access-tokens).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import httpx2
import msgspec
from joserfc import jwk, jwt

from subgraphs.connectors.answers import read_answer
from subgraphs.connectors.auth import read_secret
from subgraphs.connectors.config import BasicFile, SourceConfig
from subgraphs.connectors.connector import NOBODY
from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.telehealth.answers import found
from subgraphs.connectors.telehealth.twilio_callbacks import twilio_notices
from subgraphs.connectors.telehealth.visit import Door, NewVisit, Vendor, VideoSource, Visit
from subgraphs.connectors.telehealth.webhooks import ReadNotice

DOOR_LIFETIME: Final = timedelta(minutes=15)
"""Of a token: within that time one has to enter, and may then stay."""
STATUSES: Final[Mapping[str, str]] = {
    "in-progress": "started",
    "completed": "ended",
    "failed": "ended",
}
NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_PAGE: Final = 100
_MAX_PAGES: Final = 20


class TwilioSource(VideoSource, frozen=True, kw_only=True, tag="twilio-video"):
    """`auth` is an API key, of kind `basic-file`."""

    account: Annotated[str, msgspec.Meta(pattern=r"^AC[0-9a-fA-F]{32}$")]
    callback_url: str | None = None
    """Our `/webhooks/<source>`, as the vendor calls it: its signature covers the address."""

    def urls(self) -> Iterator[str]:
        yield from super().urls()
        if self.callback_url:
            yield self.callback_url

    def mistake(self, others: Mapping[str, SourceConfig]) -> str | None:  # noqa: ARG002 - it stands alone
        is_key = isinstance(self.auth, BasicFile)
        return None if is_key else "auth has to be of kind basic-file"


class TwilioClient(Vendor[TwilioSource]):
    """One per account; the source's `auth` is the API key and its secret."""

    settings = TwilioSource

    def __init__(
        self,
        config: TwilioSource,
        client: httpx2.AsyncClient,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(config, client)
        assert isinstance(config.auth, BasicFile), "no other is taken from the file"
        self._api_key = config.auth.user
        self._key = jwk.OctKey.import_key(read_secret(config.auth.password_file).encode())
        self._now = now

    async def probe(self) -> tuple[str, ...]:
        await self.visits([NOBODY])
        return ()

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        """Every visit of a name of ours: without a room it has not begun, or is over.

        One call for one visit; for more of them one for all rooms in use, and further pages.
        """
        wanted = [id_ for id_ in dict.fromkeys(ids) if NAME.fullmatch(id_)]
        if not wanted:
            return {}
        rooms = await self._in_use() if len(wanted) > 1 else await self._room(wanted[0])
        return {id_: Visit(id=id_, status=rooms.get(id_, "scheduled")) for id_ in wanted}

    async def create(self, visit: NewVisit, token: str) -> str:  # noqa: ARG002 - see the module
        return f"visit-{token}"

    async def move(self, id_: str, visit: NewVisit) -> None:
        """Its name holds no time."""

    async def cancel(self, id_: str) -> None:
        """Ends the room, where somebody is in it already."""
        await found(self._client.post(f"v1/Rooms/{id_}", data={"Status": "completed"}))

    async def door(self, id_: str, identity: str, *, host: bool) -> Door | None:  # noqa: ARG002 - whoever is in, is in
        if NAME.fullmatch(id_) is None:
            return None
        await self._open(id_)
        now = datetime.fromtimestamp(self._now(), UTC)
        expires_at = now + DOOR_LIFETIME
        return Door(
            token=self._token(id_, identity, now, expires_at),
            room=id_,
            identity=identity,
            expires_at=expires_at,
        )

    def notices(self, secret: bytes) -> ReadNotice | None:
        url = self.config.callback_url
        return twilio_notices(secret, url) if url else None

    async def _open(self, name: str) -> None:
        """The room of this name; whoever comes second finds it there."""
        form = {"UniqueName": name, "Type": "group"}
        if self.config.callback_url:
            form |= {"StatusCallback": self.config.callback_url, "StatusCallbackMethod": "POST"}
        try:
            answer = await self._client.post("v1/Rooms", data=form)
        except Rejected:
            # 53113: there is one. https://www.twilio.com/docs/api/errors/53113
            answer = await self._client.get(f"v1/Rooms/{name}")
        if read_answer(answer, _Room).unique_name != name:
            raise ProtocolViolation("the vendor answered with another room")

    async def _room(self, name: str) -> dict[str, str]:
        answer = await found(self._client.get(f"v1/Rooms/{name}"))
        return {} if answer is None else _statuses([read_answer(answer, _Room)])

    async def _in_use(self) -> dict[str, str]:
        rooms: dict[str, str] = {}
        url = f"v1/Rooms?Status=in-progress&PageSize={_PAGE}"
        for _ in range(_MAX_PAGES):
            page = read_answer(await self._client.get(url), _Rooms)
            rooms |= _statuses(page.rooms)
            if page.meta.next_page_url is None:
                return rooms
            # One that leads to another server is not followed: `connectors.transport`.
            url = page.meta.next_page_url
        raise ProtocolViolation("the vendor's list of rooms does not end")

    def _token(self, room: str, identity: str, at: datetime, expires_at: datetime) -> str:
        issued = int(at.timestamp())
        header = {"typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1"}
        claims = {
            "jti": f"{self._api_key}-{secrets.token_hex(8)}",
            "iss": self._api_key,
            "sub": self.config.account,
            "iat": issued,
            "nbf": issued,
            "exp": int(expires_at.timestamp()),
            "grants": {"identity": identity, "video": {"room": room}},
        }
        return jwt.encode(header, claims, self._key, algorithms=["HS256"])


class _Room(msgspec.Struct, frozen=True):
    unique_name: str
    status: str


class _Meta(msgspec.Struct, frozen=True):
    next_page_url: str | None = None


class _Rooms(msgspec.Struct, frozen=True):
    rooms: tuple[_Room, ...]
    meta: _Meta = _Meta()


def _statuses(rooms: Iterable[_Room]) -> dict[str, str]:
    return {room.unique_name: STATUSES.get(room.status, room.status) for room in rooms}
