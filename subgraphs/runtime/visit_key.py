"""`Appointment.visitKey`: what telehealth needs of an appointment, sealed by scheduling.

Like the crosswalk it is `@inaccessible` and travels between subgraphs only
(`@requires(fields: "visitKey")`), bound to the appointment it was issued for.
"""

from __future__ import annotations

import msgspec

from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.sealing import Seal


class VisitKey(msgspec.Struct, frozen=True):
    visit: str
    """The vendor's id: the session key of the appointment's virtual service."""
    patient: str
    """The enterprise id."""
    links: tuple[Link, ...]
    """The patient's, so that the compartment is checked where the visit is."""
    practitioners: tuple[Link, ...] = ()
    """The Practitioners who take part, by source and id: the visit's hosts."""
    channel: str | None = None
    """What the appointment names the vendor by, as `system|code`."""


class VisitKeys:
    """Seals and opens visit keys; the key is that of `seal:links`."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def seal(self, appointment: str, key: VisitKey) -> str:
        return self._seal.seal(f"visit:{appointment}", msgspec.json.encode(key))

    def open(self, appointment: str, text: str) -> VisitKey | None:
        """The key, or None when it is not this appointment's."""
        plaintext = self._seal.open(f"visit:{appointment}", text)
        return None if plaintext is None else msgspec.json.decode(plaintext, type=VisitKey)
