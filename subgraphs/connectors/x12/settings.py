"""How those are configured who are asked in X12, and who files of X12 are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from subgraphs.connectors.config import Identifier, SourceConfig
from subgraphs.connectors.requesting import RequestingSource
from subgraphs.connectors.status import SOAP

Transaction: TypeAlias = Literal["270", "276"]
PartnerId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{1,14}$")]


class TradingPartner(RequestingSource, frozen=True, kw_only=True):
    """Who is asked in X12, however it gets there."""

    transactions: tuple[Transaction, ...] = ("270",)
    """What it is asked: 270 eligibility, 276 the status of claims."""
    sender_id: PartnerId
    receiver_id: PartnerId
    payer_id: PartnerId | None = None
    """How the payer is known to the clearinghouse; the receiver, where they are one."""

    def mistake(self, others: Mapping[str, SourceConfig]) -> str | None:
        """A payer has one who answers each transaction."""
        for other in others.values():
            if isinstance(other, TradingPartner) and other.payer == self.payer:
                shared = [each for each in self.transactions if each in other.transactions]
                if shared and other.id < self.id:
                    return f"{other.id} is asked {shared[0]} already"
        return super().mistake(others)


class X12Source(TradingPartner, frozen=True, kw_only=True, tag="x12-270"):
    """An interchange is the whole of the request."""

    media_types = ("application/edi-x12",)  # RFC 1767


class CoreSource(TradingPartner, frozen=True, kw_only=True, tag="core-soap"):
    """It goes in an envelope of CAQH CORE, in a SOAP message."""

    media_types = (SOAP,)


class FiledPayer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a payer of X12 files is among the sources."""

    source: Identifier
    """The FHIR source of the same payer: a claim number means the same claim in both."""
    members: str = ""
    """The system of its member numbers: with it a member of a file is recognized by the number."""
