"""The demo's clerk: what the sandbox's patients have signed, written down once for each folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

import msgspec

from chartgraph.demo import SignedConsent
from subgraphs.governance.model import Author, Consent, ConsentStatus
from subgraphs.governance.store.store import GovernanceStore
from subgraphs.runtime.consent import Provision, actor_key
from subgraphs.runtime.crosswalk import Link

CLERK = Author("demo-clerk", roles=("registration-clerk",))


async def write_down(signed: Iterable[SignedConsent], store: GovernanceStore) -> None:
    for each in signed:
        first = _consent(each)
        async with store.writing() as connection:
            if await store.latest(connection, first.id) is not None:
                continue
            await store.keep_consent(connection, first)
            if each.is_revoked:
                revoked = msgspec.structs.replace(first, version=2, status=ConsentStatus.INACTIVE)
                await store.keep_consent(connection, revoked)


def _consent(signed: SignedConsent) -> Consent:
    named = f"{signed.source}/{signed.patient}/{signed.organization}/{signed.label}"
    return Consent(
        id=hashlib.sha256(named.encode()).hexdigest()[:32],
        version=1,
        patient=Link(signed.source, signed.patient),
        status=ConsentStatus.ACTIVE,
        provision=Provision(
            permits=True,
            recipients=(actor_key("organization", signed.organization),),
            purposes=("TREAT",),
            labels=(signed.label,),
        ),
        recorded_at=time.time(),
        author=CLERK,
    )
