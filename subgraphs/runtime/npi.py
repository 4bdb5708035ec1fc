"""National Provider Identifiers, by which US directories know one practitioner or organization.

https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from subgraphs.runtime.fhir import Identifier

NPI: Final = "http://hl7.org/fhir/sid/us-npi"
# https://terminology.hl7.org/NamingSystem-npi.html
_SYSTEMS: Final = frozenset({NPI, "urn:oid:2.16.840.1.113883.4.6"})
_PREFIX: Final = "80840"
"""Of health identifiers of the United States: the check digit counts it, nobody writes it."""
_SHAPE: Final = re.compile(r"[12]\d{9}", re.ASCII)


def is_npi(text: str) -> bool:
    """Whether the number has the right form and check digit, by Luhn's rule."""
    if _SHAPE.fullmatch(text) is None:
        return False
    digits = [int(digit) for digit in reversed(_PREFIX + text)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def npi_of(identifiers: Iterable[Identifier]) -> str | None:
    """The one valid NPI among these; None without any, and where there are several.

    A number that fails its check may be anyone's, so it is nobody's: it never makes two records
    one.
    """
    stated = {
        identifier.value.strip()
        for identifier in identifiers
        if identifier.system in _SYSTEMS and identifier.value and identifier.use != "old"
    }
    valid = [number for number in stated if is_npi(number)]
    return valid[0] if len(valid) == 1 else None
