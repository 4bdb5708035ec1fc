"""The vendors of video visits, side by side: each with its own interface, and its own webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.data.appointments import HEARTHSIDE, BookedVisit
from sandbox.fhir.access import VerifyToken
from sandbox.keyfiles import KeyFiles
from sandbox.telehealth import twilio, zoom
from sandbox.telehealth.server import TelehealthServer
from sandbox.telehealth.twilio import TwilioServer
from sandbox.telehealth.webhooks import Webhook, twilio_headers, zoom_headers
from sandbox.telehealth.zoom import ZoomServer
from sandbox.upstream import Upstream

REST, ZOOM, TWILIO = "telehealth", "zoom", "twilio"
NAMES = (REST, ZOOM, TWILIO)
TITLES = {REST: "Hearthside Video", ZOOM: "Zoom, in the sandbox", TWILIO: "Rooms, in the sandbox"}


@dataclass(frozen=True, slots=True)
class VideoVendors:
    rest: TelehealthServer
    zoom: ZoomServer
    twilio: TwilioServer
    webhooks: Mapping[str, Webhook]

    def mount(self, systems: Mapping[str, Upstream]) -> None:
        systems[REST].mount(self.rest)
        systems[ZOOM].mount(self.zoom)
        systems[TWILIO].mount(self.twilio)

    async def close(self) -> None:
        for webhook in self.webhooks.values():
            await webhook.close()


def open_vendors(
    systems: Mapping[str, Upstream],
    visits: Mapping[str, Sequence[BookedVisit]],
    keys: KeyFiles,
    verify: VerifyToken,
    webhook_url: str | None,
) -> VideoVendors:
    """`webhook_url` is where the first of them tells of changes; the others call its neighbours."""
    base = webhook_url.rpartition("/")[0] if webhook_url else None
    webhooks = {
        REST: Webhook(keys.webhook_secret, webhook_url),
        ZOOM: Webhook(keys.webhook_secret, base and f"{base}/{ZOOM}", zoom_headers),
        TWILIO: Webhook(keys.webhook_secret, base and f"{base}/{TWILIO}", twilio_headers),
    }
    return VideoVendors(
        TelehealthServer(
            visits[REST],
            url=systems[REST].url,
            api_key=keys.telehealth_key,
            verify=verify,
            webhook=webhooks[REST],
        ),
        ZoomServer(
            visits[ZOOM],
            url=systems[ZOOM].url,
            secret=keys.zoom_secret,
            webhook=webhooks[ZOOM],
        ),
        TwilioServer(url=systems[TWILIO].url, secret=keys.twilio_secret, webhook=webhooks[TWILIO]),
        webhooks,
    )


def described(systems: Mapping[str, Upstream], keys: KeyFiles) -> dict[str, dict[str, Any]]:
    """As the ready file has them: how each is configured, but for the webhooks' secret."""
    zooms, rooms = systems[ZOOM].url, systems[TWILIO].url
    return {
        REST: {
            "url": systems[REST].url,
            "kind": "telehealth-rest",
            "title": TITLES[REST],
            "channels": ["|".join((HEARTHSIDE.channel["system"], HEARTHSIDE.channel["code"]))],
            "auth": {"kind": "bearer-file", "token_file": str(keys.telehealth_key_file)},
        },
        ZOOM: {
            "url": f"{zooms}/v2",
            "kind": "zoom",
            "title": TITLES[ZOOM],
            "auth": {
                "kind": "account-credentials",
                "token_url": f"{zooms}/oauth/token",
                "account_id": zoom.ACCOUNT,
                "client_id": zoom.CLIENT,
                "secret_file": str(keys.zoom_secret_file),
            },
        },
        TWILIO: {
            "url": rooms,
            "kind": "twilio-video",
            "title": TITLES[TWILIO],
            "account": twilio.ACCOUNT,
            "auth": {
                "kind": "basic-file",
                "user": twilio.API_KEY,
                "password_file": str(keys.twilio_secret_file),
            },
        },
    }
