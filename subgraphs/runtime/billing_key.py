"""What joins visits and claims, sealed: `Encounter.billingKey` for coverage, `Claim.billingKey` for
records.

Like the crosswalk it is `@inaccessible` and travels between subgraphs only, bound to the node it
was issued for. A claim carries the number that its provider gave the visit's account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.fhir import Identifier
from subgraphs.runtime.sealing import IdSeal

ACCOUNT_TYPES: Final = frozenset({"AN", "VN"})
"""Types of a visit's identifiers that a claim may carry: of its account, and of the visit itself.

http://terminology.hl7.org/CodeSystem/v2-0203
"""

CLAIM: Final = (
    "What a provider asks a payer to pay: of FHIR, and of X12 837 files. A replacement or a void "
    "stands in the place of what it replaces. A claim that nobody has submitted here is told as "
    "its payment or its status tells it. https://hl7.org/fhir/R4/claim.html"
)
"""One wording for both subgraphs that publish it."""


class BillingKey(msgspec.Struct, frozen=True, omit_defaults=True):
    patient: str
    """The enterprise id."""
    links: tuple[Link, ...]
    """The patient's, so that the compartment is checked on the other side."""
    born: str | None = None
    accounts: tuple[str, ...] = ()
    encounters: tuple[Link, ...] = ()
    """The visit's records, by source and id; or those that a claim refers to."""

    @classmethod
    def of(
        cls, compartment: Compartment, accounts: Iterable[str], encounters: Iterable[Link]
    ) -> BillingKey:
        told = (tuple(sorted(set(accounts))), tuple(sorted(set(encounters))))
        return cls(compartment.patient, compartment.links, compartment.born, *told)

    @property
    def compartment(self) -> Compartment:
        return Compartment(self.patient, self.links, self.born)

    def meets(self, accounts: Iterable[str], encounters: Iterable[Link]) -> bool:
        """Whether these name the same visit."""
        return not (
            set(self.accounts).isdisjoint(accounts) and set(self.encounters).isdisjoint(encounters)
        )


def account_numbers(identifiers: Iterable[Identifier]) -> list[str]:
    typed = (i for i in identifiers if i.type is not None and i.type.code in ACCOUNT_TYPES)
    return [each.value for each in typed if each.value]


def seal_billing(ids: IdSeal, type_: str, id_: str, key: BillingKey) -> str:
    return ids.seal_key(f"billing:{type_}:{id_}", msgspec.json.encode(key))


def open_billing(ids: IdSeal, type_: str, id_: str, text: str | None) -> BillingKey | None:
    """The key, or None when it is not this node's."""
    plaintext = ids.open_key(f"billing:{type_}:{id_}", text) if text else None
    return None if plaintext is None else msgspec.json.decode(plaintext, type=BillingKey)
