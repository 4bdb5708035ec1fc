"""The telehealth subgraph, put together from the configured vendors and servers."""

from __future__ import annotations

from contract.keys import derive_key
from subgraphs.connectors.config import TwilioSource, VideoSource, ZoomSource
from subgraphs.deployment import Deployment, Part
from subgraphs.runtime.request import utc_now
from subgraphs.runtime.visit_key import VisitKeys
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.sources.messages import FhirMessages
from subgraphs.telehealth.sources.notices import (
    NoticeBoard,
    ReadNotice,
    rest_notices,
    twilio_notices,
    zoom_notices,
)
from subgraphs.telehealth.sources.vendor import Vendors, VideoVendor


async def open_part(deployment: Deployment) -> Part:
    vendors = {
        id_: VideoVendor(
            id_,
            deployment.vendor(config),
            NoticeBoard(id_, _notices(config), utc_now, deployment.events),
            frozenset(config.channels),
        )
        for id_, config in deployment.serving("telehealth", VideoSource).items()
    }
    services = Telehealth(
        Vendors(vendors),
        VisitKeys(deployment.keys.key("seal:links")),
        deployment.servers("scheduling"),
        derive_key(deployment.keys.key("seal:ids"), "visitors"),
        {id_: FhirMessages(each) for id_, each in deployment.searched("telehealth").items()},
        deployment.servers("telehealth"),
        await deployment.open_writes("telehealth"),
    )
    routes = {
        path: route for each in vendors.values() for path, route in each.notices.routes.items()
    }
    return Part(services, routes=routes)


def _notices(config: VideoSource) -> ReadNotice | None:
    """How what a vendor pushes is checked and read; None without the secret it signs with."""
    if config.webhook_secret_file is None:
        return None
    secret = config.webhook_secret_file.read_bytes().strip()
    match config:
        case ZoomSource():
            return zoom_notices(secret)
        case TwilioSource(callback_url=url):
            return twilio_notices(secret, url) if url else None
    return rest_notices(secret)
