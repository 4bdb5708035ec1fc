"""Codes in one spelling, and the one code by which a concept is compared with another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Final

import msgspec

from subgraphs.runtime.terms.systems import canonical_system, preference, read_terms

ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX: Final = "http://hl7.org/fhir/sid/cvx"
_UNDOTTED: Final = re.compile(r"([A-Z]\d[0-9A-Z])([0-9A-Z]{1,4})")
_CVX_DIGITS: Final = 2


@lru_cache(maxsize=8192)
def token_of(system: str | None, code: str | None) -> str:
    """`system|code` in one spelling: `E119` of `2.16.840.1.113883.6.90` is ICD-10-CM's `E11.9`."""
    uri, spelled = canonical_system(system), (code or "").strip()
    if uri == ICD10CM and _UNDOTTED.fullmatch(spelled):
        spelled = f"{spelled[:3]}.{spelled[3:]}"
    elif uri == CVX and spelled:
        spelled = spelled.zfill(_CVX_DIGITS)
    return f"{uri}|{spelled}"


def preferred(tokens: Iterable[str]) -> str | None:
    """The code that decides what a concept is: of the system most sources share."""
    return min(tokens, key=lambda token: (preference(token.partition("|")[0]), token), default=None)


class _Drug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ingredient: str
    name: str
    products: tuple[str, ...] = ()


@cache
def _drugs() -> tuple[_Drug, ...]:
    return msgspec.convert(read_terms("rxnorm.yaml"), tuple[_Drug, ...])


@cache
def _ingredients() -> Mapping[str, str]:
    return {
        token_of(RXNORM, product): token_of(RXNORM, drug.ingredient)
        for drug in _drugs()
        for product in drug.products
    }


@cache
def _ingredient_names() -> Mapping[str, str]:
    return {token_of(RXNORM, drug.ingredient): drug.name for drug in _drugs()}


def ingredient_of(token: str) -> str:
    """A drug's active ingredient, where the product is known; anything else is itself."""
    return _ingredients().get(token, token)


def ingredient_name(token: str) -> str | None:
    """RxNorm's name of an active ingredient; None for whatever is none that is known."""
    return _ingredient_names().get(token)
