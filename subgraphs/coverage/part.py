"""The coverage subgraph, put together from the configured payers, clearinghouses and gateway."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from subgraphs.connectors.config import (
    CoreSource,
    DaVinciPasSource,
    PaymentSource,
    TradingPartner,
)
from subgraphs.connectors.core.client import CoreClient
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
    paid_at = next(iter(deployment.serving("coverage", PaymentSource).values()), None)
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
        PaymentGateway(paid_at, deployment.client(paid_at)) if paid_at else None,
        book,
    )
    return Part(services, routes=notices_route(book, _secret(paid_at), utc_now))


def _desks(deployment: Deployment, payers: Mapping[str, Payer]) -> dict[str, EligibilityDesk]:
    """By payer, who answers for it."""
    return {
        config.payer: EligibilityDesk(id_, payers[config.payer], _clearinghouse(deployment, config))
        for id_, config in deployment.serving("coverage", TradingPartner).items()
        if config.payer in payers
    }


def _clearinghouse(deployment: Deployment, config: TradingPartner) -> EligibilityClient:
    client = deployment.client(config)
    if isinstance(config, CoreSource):
        return CoreClient(config, client)
    return EligibilityClient(config, client)


def _authorization_desks(deployment: Deployment) -> dict[str, AuthorizationDesk]:
    """By payer, who is asked for its agreement."""
    servers = deployment.servers("coverage")
    return {
        config.payer: AuthorizationDesk(
            id_,
            servers[config.payer].config.url,
            servers[config.payer],
            PasClient(config, deployment.client(config)),
            Requestor(config.provider_npi, config.provider_name),
        )
        for id_, config in deployment.serving("coverage", DaVinciPasSource).items()
        if config.payer in servers
    }


def _secret(config: PaymentSource | None) -> bytes | None:
    file = config.webhook_secret_file if config else None
    return file.read_bytes().strip() if file else None
