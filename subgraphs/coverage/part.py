"""The coverage subgraph, put together from the configured payers, clearinghouses and gateway."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.pas.client import PasClient
from subgraphs.connectors.payments.gateway import PaymentGateway
from subgraphs.connectors.x12.client import ClearinghouseClient
from subgraphs.connectors.x12.settings import Transaction
from subgraphs.coverage.loaders.news import AnswerNews, tell_answer
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.sources.authorization_desk import AuthorizationDesk
from subgraphs.coverage.sources.authorization_requests import Requestor
from subgraphs.coverage.sources.checks import Checks, add_check_tables
from subgraphs.coverage.sources.claim_status import StatusDesk
from subgraphs.coverage.sources.eligibility import EligibilityDesk
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.notifications import notification_route
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.papers import Papers
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.payment_notices import notices_route
from subgraphs.coverage.sources.payments import PAYMENTS, PaymentBook
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.deployment import Deployment, Part
from subgraphs.runtime.app import Handler
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
        {
            payer: EligibilityDesk(client.config.id, payers[payer], client)
            for payer, client in _asked(deployment, payers, "270").items()
        },
        {id_: PriorAuthorizations(server) for id_, server in servers.items()},
        {id_: ClaimFiles(each) for id_, each in searched.items() if isinstance(each, Inbox)},
        _authorization_desks(deployment),
        {id_: Orders(server.config.url, server) for id_, server in ordered_at.items()},
        {
            id_: Papers(server.config.url, server)
            for id_, server in deployment.servers("records").items()
        },
        deployment.writes(database, written),
        Checks(database, metadata, keys.key("store:coverage")),
        {
            payer: StatusDesk(client.config.id, payers[payer], client)
            for payer, client in _asked(deployment, payers, "276").items()
        },
        gateway,
        book,
    )
    routes = {**notices_route(book, _secret(gateway), utc_now), **_notifications(deployment)}
    return Part(services, routes=routes)


def _asked(
    deployment: Deployment, payers: Mapping[str, Payer], transaction: Transaction
) -> dict[str, ClearinghouseClient]:
    """By payer, who answers for it."""
    return {
        client.config.payer: client
        for client in deployment.serving("coverage", ClearinghouseClient).values()
        if client.config.payer in payers and transaction in client.config.transactions
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


def _notifications(deployment: Deployment) -> dict[str, Handler]:
    """Where payers tell that they have decided."""
    servers = deployment.servers("coverage")
    routes: dict[str, Handler] = {}
    for id_, client in deployment.serving("coverage", PasClient).items():
        payer, token_file = client.config.payer, client.config.notification_token_file
        if payer in servers and token_file is not None:

            async def tell(patient: str, answer: str, claim: str, payer: str = payer) -> None:
                await tell_answer(deployment.events, AnswerNews(payer, patient, answer, claim))

            base = servers[payer].config.url
            routes |= notification_route(id_, token_file, servers[payer], base, tell)
    return routes


def _secret(gateway: PaymentGateway | None) -> bytes | None:
    file = gateway.config.webhook_secret_file if gateway else None
    return file.read_bytes().strip() if file else None
