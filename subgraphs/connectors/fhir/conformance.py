"""Validate a share of what a source sends against the FHIR R4 definitions.

A full validation costs a hundred times a decode, so it stands beside the read path: a sample, in a
thread. `report` counts what does not conform; `strict` refuses the answer it was found in. Always
`fhir.resources.R4B`, whose elements are R4's; the package's root is R5.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
from pydantic import ValidationError

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.search import Resource
from subgraphs.connectors.fhir.settings import FhirSource


class Conformance:
    """One per source. `failures` counts resource types, never values."""

    def __init__(self, config: FhirSource, *, chance: Callable[[], float] = random.random) -> None:
        self.checked = 0
        self.failures: Counter[str] = Counter()
        self._mode = config.conformance
        self._share = config.conformance_share
        self._chance = chance

    async def check(self, resources: Sequence[Resource]) -> None:
        if self._mode == "off":
            return
        sample = [resource for resource in resources if self._chance() < self._share]
        if not sample:
            return
        failed = await asyncio.to_thread(_nonconforming, sample)
        self.checked += len(sample)
        self.failures.update(failed)
        if failed and self._mode == "strict":
            types = ", ".join(sorted(set(failed)))
            raise ProtocolViolation(f"resources do not conform to FHIR R4: {types}")


def nonconforming_elements(resource_type: str, content: bytes) -> tuple[str, ...]:
    """The elements that break FHIR R4's definitions, as paths without values; none where it is
    valid. Takes tens of milliseconds for a large resource: for a thread."""
    if not re.fullmatch(r"[A-Z][A-Za-z]+", resource_type):
        return ("resourceType",)
    try:
        module = importlib.import_module(f"fhir.resources.R4B.{resource_type.lower()}")
        getattr(module, resource_type).model_validate_json(content)
    except (ImportError, AttributeError):
        return ("resourceType",)
    except ValidationError as error:
        found = (".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        return tuple(dict.fromkeys(found))
    return ()


def _nonconforming(resources: Sequence[Resource]) -> list[str]:
    """The types of the resources that are not valid, one for each."""
    return [
        str(resource.get("resourceType"))
        for resource in resources
        if nonconforming_elements(str(resource.get("resourceType")), _ENCODER.encode(resource))
    ]


_ENCODER = msgspec.json.Encoder(decimal_format="number")
