"""The subgraphs by name: their schemas, and how those of one process come to work together.

What a subgraph needs of the sources is put together in its own `part`. Two of them tell the others
what access decisions depend on: identity who is who, governance what patients have directed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from subgraphs.connectors.sources_file import load_sources
from subgraphs.connectors.transport import OnCall
from subgraphs.coverage.part import open_part as coverage
from subgraphs.deployment import Deployment, Part
from subgraphs.diagnostics.part import open_part as diagnostics
from subgraphs.directory.part import open_part as directory
from subgraphs.governance.part import OpenGovernance, open_governance
from subgraphs.identity.part import open_identity
from subgraphs.insight.part import open_insight
from subgraphs.medications.part import open_part as medications
from subgraphs.records.part import open_part as records
from subgraphs.runtime.access_facts import HttpPersons, JoinedFacts, Persons
from subgraphs.runtime.app import SubgraphApp, create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk
from subgraphs.runtime.directives import (
    TOPIC,
    URL,
    DirectiveSource,
    HttpDirectives,
    NothingDirected,
    RememberedDirectives,
)
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.scheduling.news import AppointmentNews
from subgraphs.scheduling.part import open_part as scheduling
from subgraphs.telehealth.part import open_part as telehealth

NAMES: Final = (
    "identity",
    "records",
    "diagnostics",
    "medications",
    "scheduling",
    "coverage",
    "telehealth",
    "directory",
    "governance",
    "insight",
)

PARTS: Final[Mapping[str, Callable[[Deployment], Awaitable[Part]]]] = {
    "records": records,
    "diagnostics": diagnostics,
    "medications": medications,
    "scheduling": scheduling,
    "coverage": coverage,
    "telehealth": telehealth,
    "directory": directory,
}
"""Those whom no other subgraph asks, each by how it is put together."""


def schema_of(name: str) -> SubgraphSchema:
    # Importing one subgraph's schema takes a quarter of a second: only those asked for.
    return cast("SubgraphSchema", import_module(f"subgraphs.{name}.schema").SCHEMA)


@asynccontextmanager
async def open_subgraphs(
    names: Sequence[str],
    settings: RuntimeSettings,
    *,
    dev: bool = False,
    on_call: OnCall | None = None,
) -> AsyncIterator[Mapping[str, SubgraphApp]]:
    """Open these subgraphs until the block ends, each as an ASGI application by its name."""
    async with AsyncExitStack() as stack:
        sources = load_sources(settings.sources_file)
        keys = settings.key_ring()
        deployment = Deployment(settings, keys, sources, stack, on_call=on_call)
        await deployment.open(names)
        opened = await _open_parts(deployment, names, dev=dev)
        nonces = deployment.nonces()
        crosswalk = Crosswalk(keys.key("seal:links"))
        yield {
            name: create_subgraph_app(
                Subgraph(
                    name, deployment.ids, crosswalk, opened.facts, part.services, deployment.events
                ),
                schema_of(name),
                keys=keys.rotation(f"context:{name}"),
                dev=dev,
                ready=part.ready,
                routes=part.routes,
                nonces=nonces,
            )
            for name, part in opened.parts.items()
        }


async def _open_parts(deployment: Deployment, names: Sequence[str], *, dev: bool) -> _Opened:
    """Those first whom the others ask: as they are in this process, or else over HTTP."""
    news = AppointmentNews(deployment.events)
    identity = await open_identity(deployment, news.tell) if "identity" in names else None
    governance = await open_governance(deployment) if "governance" in names else None
    persons = identity.persons if identity else _remote_persons(deployment)
    opened: dict[str, Part] = {}
    for name in names:
        if identity and name == "identity":
            opened[name] = identity.part
        elif governance and name == "governance":
            opened[name] = governance.part
        elif name == "insight":
            opened[name] = await open_insight(deployment, persons)
        else:
            opened[name] = await PARTS[name](deployment)
    return _Opened(opened, JoinedFacts(persons, _remembered(deployment, governance, dev=dev)))


@dataclass(frozen=True, slots=True)
class _Opened:
    parts: Mapping[str, Part]
    facts: JoinedFacts


def _remote_persons(deployment: Deployment) -> Persons:
    return HttpPersons(deployment.calls(deployment.settings.identity_url))


def _remembered(
    deployment: Deployment, governance: OpenGovernance | None, *, dev: bool
) -> RememberedDirectives:
    """What patients direct, followed at once: by our own word, or by the news of it."""
    url, events = deployment.settings.governance_url, deployment.events
    source: DirectiveSource
    if governance:
        source = governance.directives
    elif url is None and dev:
        source = NothingDirected()
    else:
        source = HttpDirectives(deployment.calls(url or URL))
    remembered = RememberedDirectives(source)
    deployment.keep(remembered.keep_listening(events))
    if governance:

        async def tell() -> None:
            remembered.forget()
            await events.publish(TOPIC)

        governance.store.on_change = tell
    return remembered


def export_schemas(folder: Path) -> None:
    """Write each subgraph's schema, as its `_service` would print it."""
    for name in NAMES:
        (folder / f"{name}.graphql").write_text(schema_text(name), encoding="utf-8")


def schema_text(name: str) -> str:
    return schema_of(name).sdl.strip() + "\n"
