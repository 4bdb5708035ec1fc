"""The signed context: who asks and why, vouched for by the gateway to one subgraph.

It travels in one header as `<claims>.<mac>`, both base64url without padding; the claims are JSON,
the MAC is HMAC-SHA256 over the encoded claims under that subgraph's own key. The claims name the
audience, the SHA-256 of the request body and the time, so a context can be replayed neither against
another subgraph, nor with another body, nor later than `MAX_AGE` seconds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

import msgspec

HEADER = "chartgraph-context"
MAX_AGE = 30
"""Seconds, in both directions: the clocks of gateway and subgraph may differ."""


class Caller(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asks, as the gateway read it from a verified token. No names: subjects only."""

    subject: str
    client_id: str = ""
    issuer: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    patient: str | None = None
    """The launch patient as `source/id`, for example `ehr-a/8f2c`."""
    fhir_user: str | None = None
    """The caller's own FHIR resource as `source/Type/id`."""
    purpose: str = "TREAT"
    """Purpose of use: https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html"""
    organization: str | None = None
    token_id: str | None = None


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one subgraph is told about one request."""

    audience: str
    body: str
    issued_at: int
    request_id: str
    caller: Caller | None = None
    nonce: str | None = None
    """Present on what must not be begun a second time, mutations and subscriptions; the subgraph
    accepts it once."""
    key_id: str = "1"
    """Which of the receiver's keys it was signed with. The receiver finds it out: in a rotation
    a sender knows its own key, but not whether it is the receiver's present or its next one."""


class ContextRefusedError(Exception):
    """The context is missing, forged, foreign, stale or for another body."""


def sign_context(context: Context, key: bytes) -> str:
    claims = _encode(msgspec.json.encode(context))
    return f"{claims}.{_encode(_mac(claims, key))}"


def verify_context(
    header: str | None, *, body: bytes, audience: str, keys: Mapping[str, bytes], now: float
) -> Context:
    """Check a context header against the request it came with; `keys` maps key id to key.

    Raises `ContextRefusedError`, whose message names the reason and quotes nothing.
    """
    if not header:
        raise ContextRefusedError("no context was sent")
    claims, _, mac = header.partition(".")
    try:
        context = msgspec.json.decode(_decode(claims), type=Context)
        given = _decode(mac)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise ContextRefusedError("the context cannot be read") from None
    key_id = next((i for i, k in keys.items() if hmac.compare_digest(given, _mac(claims, k))), None)
    if key_id is None:
        raise ContextRefusedError("the context is not signed with this subgraph's key")
    if context.audience != audience:
        raise ContextRefusedError("the context is for another subgraph")
    if abs(now - context.issued_at) > MAX_AGE:
        raise ContextRefusedError("the context is stale")
    if not hmac.compare_digest(context.body, body_hash(body)):
        raise ContextRefusedError("the context is for another body")
    return msgspec.structs.replace(context, key_id=key_id)


def body_hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _mac(claims: str, key: bytes) -> bytes:
    return hmac.digest(key, claims.encode(), "sha256")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
