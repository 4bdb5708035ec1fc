"""The records of one source system: its own ids, its own stamps, its own way of writing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.data.seeds import digest
from sandbox.data.shapes import ACT_CODE, CONFIDENTIALITY, Reference, Resource, instant

Rewrite = Callable[[Resource], Resource]

# 42 CFR Part 2 protects what substance-use programs record.
# https://terminology.hl7.org/CodeSystem-v3-ActCode.html
_PART_2 = "42CFRPart2"


class SourceBuilder:
    def __init__(
        self,
        name: str,
        seed: int,
        *,
        long_ids: bool = False,
        rewrite: Rewrite = lambda resource: resource,
    ) -> None:
        """`rewrite` is the source's dialect: the last word on each resource it records."""
        self.name = name
        self.resources: list[Resource] = []
        self._seed = seed
        self._long_ids = long_ids
        self._rewrite = rewrite

    def identify(self, *key: object) -> str:
        text = digest(self._seed, self.name, *key)
        return str(uuid.UUID(text[:32])) if self._long_ids else text[:16]

    def number(self, digits: int, *key: object) -> str:
        return f"{int(digest(self._seed, self.name, *key)[:15], 16) % 10**digits:0{digits}d}"

    def shared_number(self, digits: int, *key: object) -> str:
        """A number that every source has alike, as a claim that one sends the other."""
        return f"{int(digest(self._seed, *key)[:15], 16) % 10**digits:0{digits}d}"

    def add(
        self,
        type_: str,
        key: tuple[object, ...],
        written: datetime,
        sensitivity: str | None = None,
        **content: Any,
    ) -> Reference:
        """Fields whose value is None or empty are left out: FHIR knows no null.

        `class_` stands for `class`, which Python keeps for itself.
        """
        resource: Resource = {
            "resourceType": type_,
            "id": self.identify(type_, *key),
            "meta": {"versionId": "1", "lastUpdated": instant(written)},
            **{n.rstrip("_"): value for n, value in content.items() if value not in (None, [], {})},
        }
        if sensitivity:
            resource["meta"]["security"] = _labels(sensitivity)
        self.resources.append(self._rewrite(resource))
        return {"reference": f"{type_}/{resource['id']}"}


def _labels(sensitivity: str) -> list[dict[str, str]]:
    policies = [_PART_2] if sensitivity == "ETH" else []
    return [
        {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"},
        *({"system": ACT_CODE, "code": code} for code in (sensitivity, *policies)),
    ]
