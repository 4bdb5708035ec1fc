"""An appointment's video visit."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.telehealth.visit import Visit
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.datatypes import Provenance, ProvenanceMethod
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.visit_key import VisitKey
from subgraphs.telehealth.loaders import (
    APPOINTMENT,
    Telehealth,
    is_host,
    load_visit,
    source_down,
)
from subgraphs.telehealth.model import VisitNow


@strawberry.enum(description="Where a video visit stands.")
class VirtualVisitStatus(Enum):
    SCHEDULED = strawberry.enum_value("scheduled", description="It lies ahead.")
    WAITING = strawberry.enum_value("waiting", description="Someone waits to be let in.")
    STARTED = strawberry.enum_value("started", description="It is under way.")
    ENDED = strawberry.enum_value("ended", description="It is over.")
    CANCELLED = strawberry.enum_value("cancelled", description="It will not take place.")


@federation.type(
    requires_scopes=scopes_for(APPOINTMENT),
    description="The video visit of an appointment, at a telehealth vendor.",
)
class VirtualVisit:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    status: VirtualVisitStatus | None = strawberry.field(
        description="Where it stands; null for a status this graph does not know."
    )
    provenance: list[Provenance] = strawberry.field(
        description="`WEBHOOK` where only the vendor's last notice tells the status."
    )
    visit: strawberry.Private[VisitNow]
    key: strawberry.Private[VisitKey]

    @strawberry.field(description="When it begins.")
    def starts_at(self) -> DateTime | None:
        return date_time(self._asked.starts_at)

    @strawberry.field(description="When it ends.")
    def ends_at(self) -> DateTime | None:
        return date_time(self._asked.ends_at)

    @strawberry.field(description="The patient's door.")
    def join_url(self) -> str | None:
        return self._asked.join_url

    @strawberry.field(
        description="The host's door, for a clinician of this appointment; null for everyone else. "
        "It holds a secret and soon ends: ask for it when you need it."
    )
    def host_url(self, info: strawberry.Info) -> str | None:
        return self._asked.start_url if is_host(info.context, self.key) else None

    @property
    def _asked(self) -> Visit:
        """What the vendor answered; a status that was pushed is all there is without it."""
        if self.visit.visit is None:
            raise source_down(self.visit)
        return self.visit.visit

    @classmethod
    def of(
        cls, request: Request[Telehealth], visit: VisitNow, key: VisitKey, appointment: str
    ) -> VirtualVisit:
        """`appointment` is the sealed id of the one it belongs to."""
        return cls(
            id=visit_id(request, visit, appointment),
            status=status_of(visit.status),
            provenance=[provenance_of(visit)],
            visit=visit,
            key=key,
        )


@federation.type(keys=["id"], description=fact_nodes.APPOINTMENT)
class Appointment:
    id: strawberry.ID = strawberry.field(description=fact_nodes.FACT_ID)
    visit_key: str | None = federation.field(
        external=True, default=None, description="The way to the video visit, sealed."
    )

    @federation.field(
        requires=["visitKey"],
        requires_scopes=scopes_for(APPOINTMENT),
        description="The video visit, where the appointment is one.",
    )
    async def virtual_visit(self, info: strawberry.Info) -> VirtualVisit | None:
        if self.visit_key is None:
            return None
        request: Request[Telehealth] = info.context
        key = request.services.keys.open(self.id, self.visit_key)
        if key is None:
            raise ClientError(Code.NOT_FOUND)
        visit = await load_visit(request, key)
        return VirtualVisit.of(request, visit, key, self.id) if visit else None

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[Appointment | Exception]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Appointment | Exception:
        id_, key = representation.get("id"), representation.get("visitKey")
        if not isinstance(id_, str) or not isinstance(key, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), visit_key=key)


def visit_id(request: Request[Telehealth], visit: VisitNow, appointment: str) -> strawberry.ID:
    # The way from a visit back to its appointment, and so to whose it is, is in the id itself.
    return strawberry.ID(request.seal("VirtualVisit", visit.source, visit.id, appointment))


def status_of(code: str | None) -> VirtualVisitStatus | None:
    try:
        return VirtualVisitStatus(code)
    except ValueError:
        return None


def provenance_of(visit: VisitNow) -> Provenance:
    pushed = visit.pushed if visit.visit is None or visit.pushed_counts else None
    return Provenance(
        source=visit.source,
        recorded_at=date_time(pushed.occurred_at) if pushed else None,
        received_at=date_time(pushed.received_at if pushed else visit.received_at),
        method=ProvenanceMethod.WEBHOOK if pushed else ProvenanceMethod.REST,
    )
