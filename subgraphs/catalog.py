"""The subgraphs by name: their schemas, and how those of one process come to work together.

What a subgraph needs of the sources is put together in its own `part`. Two of them tell the others
what access decisions depend on: identity who is who, governance what patients have directed.

Installed packages bring others along. One of those is a module with a `SCHEMA` and an `open_part`,
named in a line of the package's `pyproject.toml`:

    [project.entry-points."chartgraph.subgraphs"]
    research = "chartgraph_research"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, TypeAlias, cast

from subgraphs.connectors.config import ConfigError
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

OpenPart: TypeAlias = Callable[[Deployment], Awaitable[Part]]

PARTS: Final[Mapping[str, OpenPart]] = {
    "records": records,
    "diagnostics": diagnostics,
    "medications": medications,
    "scheduling": scheduling,
    "coverage": coverage,
    "telehealth": telehealth,
    "directory": directory,
}
"""Those whom no other subgraph asks, each by how it is put together."""


GROUP: Final = "chartgraph.subgraphs"


class Added(Protocol):
    """The module of a subgraph that a package brings along."""

    SCHEMA: SubgraphSchema
    open_part: OpenPart


def added() -> tuple[str, ...]:
    """The names of those that installed packages bring along."""
    found = sorted(entry_points(group=GROUP).names)
    taken = sorted(set(found).intersection(NAMES))
    if taken:
        raise ConfigError(f"a package brings a subgraph of a name of ours: {', '.join(taken)}")
    return tuple(found)


def names() -> tuple[str, ...]:
    """Every subgraph there is."""
    return (*NAMES, *added())


def schema_of(name: str) -> SubgraphSchema:
    # Importing one subgraph's schema takes a quarter of a second: only those asked for.
    if name in NAMES:
        return cast("SubgraphSchema", import_module(f"subgraphs.{name}.schema").SCHEMA)
    return _added(name).SCHEMA


def open_part_of(name: str) -> OpenPart:
    """Of one whom no other subgraph asks."""
    return PARTS.get(name) or _added(name).open_part


def _added(name: str) -> Added:
    found = [each for each in entry_points(group=GROUP) if each.name == name]
    if len(found) != 1:
        problem = "several packages bring the" if found else "there is no"
        raise ConfigError(f"{problem} subgraph {name!r}")
    module = found[0].load()
    if not isinstance(getattr(module, "SCHEMA", None), SubgraphSchema):
        raise ConfigError(f"subgraph {name!r}: {found[0].value} has no SCHEMA of `build_schema`")
    return cast("Added", module)


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
            opened[name] = await open_part_of(name)(deployment)
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
    for name in names():
        (folder / f"{name}.graphql").write_text(schema_text(name), encoding="utf-8")


def schema_text(name: str) -> str:
    return schema_of(name).sdl.strip() + "\n"
