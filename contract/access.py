"""The access report: which patients a subgraph read for a request, and what it refused.

It travels in the answer's `extensions.access` as `<report>.<mac>`, signed like the context with
the subgraph's own key. The gateway takes it out of the answer and commits it to the audit trail
before anything leaves. https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec

EXTENSION = "access"


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Records withheld for one reason; never which ones, never how many."""

    type: str
    reason: str
    """One of `compartment`, `scope`, `role`, `label`, `consent`, `relation`, `host-only`."""
    patient: str | None = None


BREAKING = "BreakGlassGrant"


class GlassUse(msgspec.Struct, frozen=True, order=True):
    """Records of a type that were closed and were seen under a break-glass grant."""

    grant: str
    """Its id."""
    type: str
    """`BREAKING` where the grant itself was taken."""

    @property
    def is_breaking(self) -> bool:
        return self.type == BREAKING


class AccessReport(msgspec.Struct, frozen=True, omit_defaults=True):
    subgraph: str
    request_id: str
    patients: tuple[str, ...] = ()
    """Enterprise ids whose records were read, sorted."""
    refusals: tuple[Refusal, ...] = ()
    broken: tuple[GlassUse, ...] = ()
    """Sorted."""


class ReportRefusedError(Exception):
    """The access report is missing, forged or for another request."""


def sign_report(report: AccessReport, key: bytes) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(report)).rstrip(b"=").decode()
    mac = base64.urlsafe_b64encode(_mac(body, key)).rstrip(b"=").decode()
    return f"{body}.{mac}"


def verify_report(text: str, *, subgraph: str, request_id: str, key: bytes) -> AccessReport:
    body, _, mac = text.partition(".")
    try:
        given, raw = _decode(mac), _decode(body)
        report = msgspec.json.decode(raw, type=AccessReport)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise ReportRefusedError("the report cannot be read") from None
    if not hmac.compare_digest(given, _mac(body, key)):
        raise ReportRefusedError("the report is not signed with the subgraph's key")
    if (report.subgraph, report.request_id) != (subgraph, request_id):
        raise ReportRefusedError("the report is for another request")
    return report


def _mac(body: str, key: bytes) -> bytes:
    return hmac.digest(key, b"access:" + body.encode(), "sha256")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
