"""The governance subgraph, put together; it tells others what patients have directed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from contract.audit_chain import reading_keys
from subgraphs.deployment import Deployment, Part
from subgraphs.governance.holding import HeldConsents, StandingDirectives
from subgraphs.governance.loaders import Governance, opened_patient
from subgraphs.governance.sources.consents import FhirConsents
from subgraphs.governance.sources.disclosures import Disclosures
from subgraphs.governance.sources.states import StateBoard
from subgraphs.governance.sources.teams import FhirTeams
from subgraphs.governance.sources.trail import TrailReader
from subgraphs.governance.store.store import GovernanceStore, open_governance_store
from subgraphs.governance.store.tables import idempotency
from subgraphs.governance.treating import CareTeams
from subgraphs.runtime.directives import PATH
from subgraphs.runtime.facts_route import directives_route
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.request import utc_now


@dataclass(frozen=True, slots=True)
class OpenGovernance:
    part: Part
    store: GovernanceStore
    directives: StandingDirectives


async def open_governance(deployment: Deployment) -> OpenGovernance:
    settings, keys = deployment.settings, deployment.keys
    key = keys.key("store:governance")
    store = await open_governance_store(deployment.url("governance"), key, utc_now)
    deployment.stack.push_async_callback(store.database.close)
    states = StateBoard()
    deployment.keep(states.keep_listening(deployment.events))
    reader = TrailReader(settings.audit_home or settings.home, reading_keys(keys.key))
    opened = partial(opened_patient, deployment.ids)
    disclosures = Disclosures(store.database, store.cipher, reader, opened, utc_now)
    deployment.keep(disclosures.keep_up())
    once = IdempotencyStore(idempotency, key)
    servers = deployment.servers("governance")
    asked = {id_: (server, server.config.url) for id_, server in servers.items()}
    held = HeldConsents({id_: FhirConsents(*each) for id_, each in asked.items()}, utc_now)
    teams = CareTeams({id_: FhirTeams(*each) for id_, each in asked.items()}, utc_now)
    services = Governance(store, held, once, states, deployment.sources, disclosures)
    directives = StandingDirectives(store, held, teams)
    routes = {PATH: directives_route(directives, keys.rotation("access-facts"))}
    return OpenGovernance(Part(services, routes=routes), store, directives)
