"""The coverage subgraph, put together from the configured payers, clearinghouses and gateway."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.pas.client import PasClient
from subgraphs.connectors.payments.gateway import PaymentGateway
from subgraphs.connectors.x12.client import EligibilityClient
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.sources.authorization_desk import AuthorizationDesk
from subgraphs.coverage.sources.authorization_requests import Requestor
from subgraphs.coverage.sources.checks import Checks, add_check_tables
from subgraphs.coverage.sources.eligibility import EligibilityDesk
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.payment_notices import notices_route
from subgraphs.coverage.sources.payments import PAYMENTS, PaymentBook
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.deployment import Deployment, Part
from subgraphs.runtime.request import utc_now
from subgraphs.runtime.writes import write_table


async def open_part(deployment: Deployment) -> Part:
    metadata, keys = sa.MetaData(), deployment.keys
    written = write_table("coverage", metadata)
    add_check_tables(metadata)
    PAYMENTS.to_metadata(metadata)
    database = await deployment.open_store("coverage", metadata)
    book = PaymentBook(database, keys.key("store:payments"), utc_now)
    # An invoice is paid in one place, so there is one gateway.
    gateway = next(iter(deployment.serving("coverage", PaymentGateway).values()), None)
    servers = deployment.servers("coverage")
    searched = deployment.searched("coverage")
    ordered_at = deployment.searched("medications")
    payers = {id_: Payer(server) for id_, server in servers.items()}
    services = Payers(
        payers,
        _desks(deployment, payers),
        {id_: PriorAuthorizations(server) for id_, server in servers.items()},
        {id_: ClaimFiles(each) for id_, each in searched.items() if isinstance(each, Inbox)},
        _authorization_desks(deployment),
        {id_: Orders(server.config.url, server) for id_, server in ordered_at.items()},
        deployment.writes(database, written),
        Checks(database, metadata, keys.key("store:coverage")),
        gateway,
        book,
    )
    return Part(services, routes=notices_route(book, _secret(gateway), utc_now))


def _desks(deployment: Deployment, payers: Mapping[str, Payer]) -> dict[str, EligibilityDesk]:
    """By payer, who answers for it."""
    return {
        client.config.payer: EligibilityDesk(id_, payers[client.config.payer], client)
        for id_, client in deployment.serving("coverage", EligibilityClient).items()
        if client.config.payer in payers
    }


def _authorization_desks(deployment: Deployment) -> dict[str, AuthorizationDesk]:
    """By payer, who is asked for its agreement."""
    servers = deployment.servers("coverage")
    return {
        config.payer: AuthorizationDesk(
            id_,
            servers[config.payer].config.url,
            servers[config.payer],
            client,
            Requestor(config.provider_npi, config.provider_name),
        )
        for id_, client in deployment.serving("coverage", PasClient).items()
        if (config := client.config).payer in servers
    }


def _secret(gateway: PaymentGateway | None) -> bytes | None:
    file = gateway.config.webhook_secret_file if gateway else None
    return file.read_bytes().strip() if file else None
