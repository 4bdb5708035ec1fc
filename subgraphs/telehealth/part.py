"""The telehealth subgraph, put together from the configured vendors and servers."""

from __future__ import annotations

from typing import Any

from contract.keys import derive_key
from subgraphs.connectors.telehealth.visit import Vendor
from subgraphs.connectors.telehealth.webhooks import ReadNotice
from subgraphs.deployment import Deployment, Part
from subgraphs.runtime.request import utc_now
from subgraphs.runtime.visit_key import VisitKeys
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.sources.messages import FhirMessages
from subgraphs.telehealth.sources.notices import NoticeBoard
from subgraphs.telehealth.sources.vendor import Vendors, VideoVendor


async def open_part(deployment: Deployment) -> Part:
    vendors = {
        id_: VideoVendor(
            id_,
            vendor,
            NoticeBoard(id_, _notices(vendor), utc_now, deployment.events),
            frozenset(vendor.config.channels),
        )
        for id_, vendor in deployment.serving("telehealth", Vendor).items()
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


def _notices(vendor: Vendor[Any]) -> ReadNotice | None:
    """How what a vendor pushes is checked and read; None without the secret it signs with."""
    file = vendor.config.webhook_secret_file
    return vendor.notices(file.read_bytes().strip()) if file else None
