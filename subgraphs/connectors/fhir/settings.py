"""How a FHIR server is configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from subgraphs.connectors.config import Count, SearchedSource, Seconds, Share, SourceConfig


class BulkExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`$export` of a FHIR server. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

    of: Annotated[str, msgspec.Meta(pattern=r"^(Patient|system|Group/[A-Za-z0-9.-]{1,64})$")] = (
        "Patient"
    )
    """Whose data: all patients', the whole system's or one group's."""
    type_filters: tuple[str, ...] = ()
    """Searches that narrow a type: `Observation?category=laboratory`."""
    file_hosts: tuple[str, ...] = ()
    """Servers besides the source's own that may hold the files: `https://files.example`."""
    max_wait: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3_600.0
    """Seconds until an export that is not ready is given up."""
    max_pause: Seconds = 60.0
    """The longest pause between two questions whether it is ready, whatever the server asks for."""
    max_file_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 8 * 1024 * 1024 * 1024


class FhirSource(SearchedSource, frozen=True, kw_only=True, tag="fhir-r4"):
    media_types = ("application/fhir+json", "application/json")

    page_size: Count = 100
    multiple_or: Literal["auto", "yes", "no"] = "auto"
    """Whether `patient=a,b,c` works; `auto` asks the server's own CapabilityStatement."""
    conformance: Literal["strict", "report", "off"] = "off"
    conformance_share: Share = 0.02
    """The share of fetched resources that is validated against the FHIR R4 definitions."""
    bulk: BulkExport | None = None
    """Where the source exports in bulk: what insight counts."""

    def urls(self) -> Iterator[str]:
        yield from super().urls()
        if self.bulk:
            yield from self.bulk.file_hosts

    def mistake(self, others: Mapping[str, SourceConfig]) -> str | None:  # noqa: ARG002 - it stands alone
        if "insight" in self.serves and self.bulk is None:
            return "to serve insight it needs bulk"
        return None
