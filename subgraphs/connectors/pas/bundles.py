"""What goes to a payer: one Bundle, the Claim first, and all that it refers to.

https://hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-pas-request-bundle.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from subgraphs.connectors.fhir.conformance import nonconforming_elements
from subgraphs.connectors.fhir.writing import TOKEN_SYSTEM, NotConformingError

Resource: TypeAlias = Mapping[str, Any]

_GUIDE: Final = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
REQUEST: Final = f"{_GUIDE}profile-pas-request-bundle"
INQUIRY: Final = f"{_GUIDE}profile-pas-inquiry-request-bundle"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Entry:
    url: str
    """Where the resource lies: its own server's address of it, or a `urn:uuid:`."""
    resource: Resource


def token_identifier(token: str) -> dict[str, str]:
    """A UUID is an identifier of its own; the payer repeats the Claim's in its answer."""
    return {"system": TOKEN_SYSTEM, "value": f"urn:uuid:{token}"}


def write_bundle(
    profile: str, claim: Entry, others: Sequence[Entry], token: str, at: datetime
) -> bytes:
    """Raises `NotConformingError` for what is not valid FHIR R4, or leaves a reference open."""
    entries = [claim, *others]
    bundle = {
        "resourceType": "Bundle",
        "meta": {"profile": [profile]},
        "identifier": token_identifier(token),
        "type": "collection",
        "timestamp": at.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": each.url, "resource": each.resource} for each in entries],
    }
    content = _ENCODER.encode(bundle)
    wrong = nonconforming_elements("Bundle", content)
    open_ends = _open_references(claim, {each.url for each in entries})
    if wrong or open_ends:
        raise NotConformingError((*wrong, *open_ends))
    return content


def _open_references(claim: Entry, urls: set[str]) -> tuple[str, ...]:
    """What the Claim refers to and the Bundle lacks, as paths."""
    contained = {f"#{each.get('id')}" for each in claim.resource.get("contained", ())}
    known = urls | contained
    return tuple(path for path, url in references(claim.resource) if url not in known)


def references(node: Any, path: str = "Claim") -> Iterator[tuple[str, str]]:
    """Every literal reference below a node, with its path."""
    if isinstance(node, Mapping):
        reference = node.get("reference")
        if isinstance(reference, str):
            yield path, reference
        for name, value in node.items():
            yield from references(value, f"{path}.{name}")
    elif isinstance(node, list | tuple):
        for place, each in enumerate(node):
            yield from references(each, f"{path}.{place}")
