"""One schema, ready to be asked: the supergraph, and what its fields and callers are held to."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.authorization.grants import GrantsOf
from gateway.authorization.roles import RoleMaps, read_role_maps
from gateway.clients.clients import Clients, open_clients
from gateway.demand.demand import Demand
from gateway.demand.weights import read_weights
from gateway.documents.manifest import Manifest, ManifestError, read_manifest
from gateway.documents.resolve import Documents
from gateway.engine import Engine
from gateway.exchange import Peers
from gateway.execution.client import SubgraphClient
from gateway.execution.http_client import HttpSubgraphClient
from gateway.federation.access_rules import AccessRules, access_rules, policy_names
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.parts import Parts
from gateway.pipeline import Pipeline
from gateway.rollout import Rollout
from gateway.settings import Settings, SettingsError
from gateway.telemetry import log

if TYPE_CHECKING:
    from gateway.authorization.policies import Policies


@dataclass(frozen=True, slots=True)
class Served:
    """One schema, and what goes when it goes."""

    pipeline: Pipeline
    own_clients: tuple[SubgraphClient, ...]
    roles: RoleMaps
    """By which it wants callers to be read."""

    async def close(self) -> None:
        for client in self.own_clients:
            await client.close()


def serve(parts: Parts) -> Served:
    """Raises `SupergraphError` or `SettingsError`."""
    settings = parts.settings
    supergraph = _read_supergraph(settings)
    keys = _context_keys(settings, supergraph)
    rules = access_rules(supergraph)
    tls = _subgraph_tls(settings, supergraph)
    roles = read_role_maps(settings.issuers)
    policies = _read_policies(settings, rules, roles)
    rollout = Rollout(supergraph.override_labels, settings.override_labels, parts.decide_label)
    weights = read_weights(supergraph)
    clients = open_clients(settings, parts.uses)
    manifests = _read_manifests(settings, clients)
    # Whatever is wrong has been raised by now: from here on there are connections to close.
    parts.store.take(manifests)
    own: dict[str, SubgraphClient] = {
        name: HttpSubgraphClient(
            settings.subgraph_urls.get(name, subgraph.url),
            tls=tls.get(name),
            subscription_url=settings.subscription_urls.get(name),
        )
        for name, subgraph in supergraph.subgraphs.items()
        if name not in parts.clients
    }
    engine = Engine(supergraph, {**own, **parts.clients})
    refused = parts.metrics.reports_refused
    pipeline = Pipeline(
        settings,
        engine,
        rules,
        Documents(engine.schema, settings, parts.store),
        Peers(
            clients=engine.clients,
            keys=keys,
            timeout=settings.subgraph_timeout,
            report_refused=lambda name: refused.labels(name).inc(),
        ),
        metrics=parts.metrics,
        rollout=rollout,
        grants_of=GrantsOf(policies),
        clients=clients,
        demand=Demand(weights, settings.cost, parts.till, parts.metrics),
        till=parts.till,
        verifier=parts.verifier,
        trail=parts.trail,
    )
    return Served(pipeline, tuple(own.values()), roles)


def _read_supergraph(settings: Settings) -> Supergraph:
    if settings.supergraph is None:
        raise SettingsError("no supergraph is set")
    try:
        sdl = settings.supergraph.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the supergraph {settings.supergraph} cannot be read") from None
    return load_supergraph(sdl)


def _read_policies(settings: Settings, rules: AccessRules, roles: RoleMaps) -> Policies | None:
    if settings.policies is None:
        return None
    from gateway.authorization.policy_files import (  # noqa: PLC0415 - only who has any pays
        check_roles,
        read_policies,
    )

    policies = read_policies(settings.policies)
    check_roles(policies, roles)
    for name in sorted(policy_names(rules) - policies.decisions):
        log.warning("policy_permits_nobody", reason=f"no policy permits {name}")
    return policies


def _read_manifests(settings: Settings, clients: Clients) -> dict[str, Manifest]:
    """The settings' and the registry's; where both name one for a client, both hold."""
    own = {name: each.documents.manifest for name, each in clients.registered.items()}
    named = [*settings.trusted_documents.items(), *own.items()]
    manifests: dict[str, Manifest] = {}
    try:
        for name, path in named:
            if path is not None:
                manifests[name] = {**manifests.get(name, {}), **read_manifest(path)}
    except ManifestError as error:
        raise SettingsError(str(error)) from None
    return manifests


def _context_keys(settings: Settings, supergraph: Supergraph) -> dict[str, bytes]:
    unknown = settings.signed_subgraphs - supergraph.subgraphs.keys()
    if unknown:
        raise SettingsError(f"the supergraph has no subgraph {', '.join(sorted(unknown))}")
    return {name: settings.key(f"context:{name}") for name in settings.signed_subgraphs}


def _subgraph_tls(settings: Settings, supergraph: Supergraph) -> dict[str, ssl.SSLContext]:
    given = settings.subgraph_tls
    unknown = given.keys() - supergraph.subgraphs.keys() - {"*"}
    if unknown:
        raise SettingsError(f"the supergraph has no subgraph {', '.join(sorted(unknown))}")
    urls = {n: settings.subgraph_urls.get(n, s.url) for n, s in supergraph.subgraphs.items()}
    plain = [name for name in given if urls.get(name, "https:").startswith(("http:", "ws:"))]
    if plain:
        raise SettingsError(f"the address of {', '.join(sorted(plain))} is not https")
    try:
        made = {name: each.context() for name, each in given.items()}
    except (OSError, ssl.SSLError):
        raise SettingsError("a certificate, key or ca of subgraph_tls cannot be used") from None
    secured = (name for name, url in urls.items() if url.startswith(("https:", "wss:")))
    return {n: made.get(n) or made["*"] for n in secured if n in made or "*" in made}
