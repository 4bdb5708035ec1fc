"""The kinds of sources: ours, and those that installed packages bring along.

A kind is a `Connector`, known by the word that stands behind `kind` in `sources.yaml`. One of a
package is a line of that package's `pyproject.toml`:

    [project.entry-points."chartgraph.sources"]
    harbor-lab = "chartgraph_harbor:HarborLab"
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeAlias

from subgraphs.connectors.config import ConfigError
from subgraphs.connectors.connector import Connector

AnyConnector: TypeAlias = Connector[Any]

GROUP: Final = "chartgraph.sources"
OURS: Final[Mapping[str, str]] = {
    "fhir-r4": "subgraphs.connectors.fhir.server:FhirServer",
    "inbox": "subgraphs.connectors.inbox.server:Inbox",
    "x12-270": "subgraphs.connectors.x12.client:ClearinghouseClient",
    "core-soap": "subgraphs.connectors.core.client:CoreClient",
    "davinci-pas": "subgraphs.connectors.pas.client:PasClient",
    "payments": "subgraphs.connectors.payments.gateway:PaymentGateway",
    "telehealth-rest": "subgraphs.connectors.telehealth.client:TelehealthClient",
    "zoom": "subgraphs.connectors.telehealth.zoom:ZoomClient",
    "twilio-video": "subgraphs.connectors.telehealth.twilio:TwilioClient",
}


def connector_of(kind: object) -> type[AnyConnector]:
    """Only what is asked for is imported. Raises `ConfigError`."""
    if isinstance(kind, str) and kind in OURS:
        # First, since whoever could replace one of ours would be sent its credentials.
        return _loaded(EntryPoint(kind, OURS[kind], GROUP))
    brought = entry_points(group=GROUP)
    found = [each for each in brought if each.name == kind]
    if len(found) != 1:
        known = ", ".join(sorted({*OURS, *brought.names}))
        problem = "several packages bring the" if found else "there is no"
        raise ConfigError(f"{problem} kind {kind!r}; known are {known}")
    return _loaded(found[0])


def _loaded(entry: EntryPoint) -> type[AnyConnector]:
    connector = entry.load()
    if not (isinstance(connector, type) and issubclass(connector, Connector)):
        raise ConfigError(f"kind {entry.name!r}: {entry.value} is no connector")
    tag = connector.settings.__struct_config__.tag
    if tag != entry.name:
        raise ConfigError(f"kind {entry.name!r}: the settings of {entry.value} are of kind {tag!r}")
    return connector
