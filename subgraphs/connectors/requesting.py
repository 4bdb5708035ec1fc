"""How those are configured who ask a payer on behalf of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec

from subgraphs.connectors.config import Identifier, SourceConfig
from subgraphs.connectors.fhir.settings import FhirSource

Npi: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]

OUR_NPI = "1999999984"
OUR_NAME = "CHARTGRAPH"


class RequestingSource(SourceConfig, frozen=True, kw_only=True):
    """What all of them have."""

    payer: Identifier
    """The `fhir-r4` source whose coverages and claims it answers for."""
    provider_npi: Npi = OUR_NPI
    provider_name: str = OUR_NAME
    """Who asks, as the payer knows them."""

    def mistake(self, others: Mapping[str, SourceConfig]) -> str | None:
        is_there = isinstance(others.get(self.payer), FhirSource)
        return None if is_there else "payer names no fhir-r4 source"
