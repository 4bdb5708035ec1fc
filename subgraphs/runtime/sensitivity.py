"""The labels that close a record, and which of them one that a consent names stands for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_SUBSTANCES: Final = frozenset({"42CFRPart2", "ETH", "ETHUD", "SUD", "OPIOIDUD", "ALC", "DRUG"})
SENSITIVE: Final = (
    # https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy.html
    _SUBSTANCES
    | {"HIV", "STD", "PSY", "PSYTHPN", "MH", "BH", "SEX", "SDV", "DV", "GDIS", "ADOL"}
    # https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html
    | {"R", "V"}
)
"""Labels that close a record to everyone but the patient until a consent opens it."""

_IMPLIED: Final = frozenset({"R", "42CFRPart2"})
"""How confidential and under which law, not what about: open with the class they stand beside."""
_COVERED: Final[Mapping[str, frozenset[str]]] = {
    "42CFRPart2": _SUBSTANCES,
    "SUD": _SUBSTANCES,
    "ETH": _SUBSTANCES,
    "BH": frozenset({"BH", "MH", "PSY"}),
    # Psychotherapy notes stand apart, as in 45 CFR 164.508(a)(2): they have to be named.
    "MH": frozenset({"MH", "PSY"}),
    "SDV": frozenset({"SDV", "DV"}),
}


@lru_cache(maxsize=1024)
def covered(named: tuple[str, ...]) -> frozenset[str]:
    """All labels that those named in a consent stand for."""
    return frozenset(named).union(*(_COVERED.get(label, ()) for label in named))


def closing(labels: frozenset[str]) -> frozenset[str]:
    """Those of a record's labels that have to be opened, each by a consent that names it."""
    sensitive = labels & SENSITIVE
    return sensitive - _IMPLIED or sensitive
