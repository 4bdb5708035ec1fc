"""FHIR extensions as the payers' guides use them. https://hl7.org/fhir/R4/extensibility.html"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from subgraphs.runtime import fhir

_GUIDES: Final = (
    "http://hl7.org/fhir/us/davinci-",
    "http://hl7.org/fhir/StructureDefinition/",
    "http://hl7.org/fhir/5.0/StructureDefinition/",
)


class Extensible:
    """Whatever has extensions; one it lacks reads as one without a value."""

    __slots__ = ()
    extension: tuple[Extension, ...]

    def all(self, name: str) -> Iterator[Extension]:
        return (each for each in self.extension if each.name == name)

    def one(self, name: str) -> Extension:
        return next(self.all(name), _NONE)


class Extension(fhir.Element, Extensible, frozen=True):
    """One, with whichever of its values these guides know."""

    url: str
    extension: tuple[Extension, ...] = ()
    value_boolean: bool | None = None
    value_code: str | None = None
    value_codeable_concept: fhir.CodeableConcept | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_decimal: Decimal | None = None
    value_identifier: Identifier | None = None
    value_money: fhir.Money | None = None
    value_period: fhir.Period | None = None
    value_positive_int: int | None = None
    value_quantity: fhir.Quantity | None = None
    value_reference: fhir.Reference | None = None
    value_string: str | None = None

    @property
    def name(self) -> str:
        """The last part of its URL: PAS and PDex define the same ones under URLs of their own."""
        if "/" not in self.url:
            return self.url
        known = self.url.startswith(_GUIDES)
        return self.url.rpartition("/")[2].removeprefix("extension-") if known else ""

    @property
    def when(self) -> fhir.Period | None:
        """A date, a moment or a period, as a period."""
        moment = self.value_date or self.value_date_time
        return self.value_period or (fhir.Period(moment, moment) if moment else None)


class Extended(fhir.Element, Extensible, frozen=True, kw_only=True):
    """An element that may have some."""

    extension: tuple[Extension, ...] = ()
    modifier_extension: tuple[Extension, ...] = ()

    @property
    def is_cancelled(self) -> bool:
        """Whether a later version of a request takes this part of it back."""
        flags = (e for e in self.modifier_extension if e.name == "modifierextension-infoCancelled")
        return any(flag.value_boolean for flag in flags)


class Assigner(fhir.Element, frozen=True):
    display: str | None = None
    identifier: fhir.Identifier | None = None


class Identifier(Extended, frozen=True, kw_only=True):
    """A trace number: who gave it, and for which part of them."""

    system: str | None = None
    value: str | None = None
    assigner: Assigner | None = None


_NONE: Final = Extension("")
