"""What the issuer can be told to do wrong, beyond the faults that every upstream has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey


class Misdeed(StrEnum):
    NONE = "none"
    FOREIGN_ISSUER = "foreign-issuer"  # its discovery document is another's
    FOREIGN_KEYS = "foreign-keys"  # that document leads to keys on another host
    NO_KEYS = "no-keys"
    PRIVATE_KEYS = "private-keys"  # it publishes what it signs with
    UNSIGNED = "unsigned"
    SYMMETRIC = "symmetric"  # its public key taken as the secret of an HMAC
    STRANGER = "stranger"  # signed by a key of the right name that is not its own
    CRITICAL = "critical"  # a critical header that nobody knows
    NO_SUBJECT = "no-subject"
    FOREIGN_AUDIENCE = "foreign-audience"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    ID_TOKEN = "id-token"  # noqa: S105 - an access token that says it is for signing in
    DPOP = "dpop"  # bound to a key, and given out as a bearer token
    EVERYTHING_ACTIVE = "everything-active"  # introspection knows of no bad token


_CLAIMS: Mapping[Misdeed, Mapping[str, Any]] = {
    Misdeed.NO_SUBJECT: {"sub": None},
    Misdeed.FOREIGN_AUDIENCE: {"aud": "another-api"},
    Misdeed.ID_TOKEN: {"at_hash": "x"},
    Misdeed.DPOP: {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
}
_SHIFTS = {Misdeed.EXPIRED: -86_400, Misdeed.NOT_YET: 86_400}


def spoil_claims(claims: dict[str, Any], misdeed: Misdeed) -> dict[str, Any]:
    shift = _SHIFTS.get(misdeed, 0)
    moved = {name: claims[name] + shift for name in ("iat", "exp")}
    changed = {**claims, **moved, **_CLAIMS.get(misdeed, {})}
    if misdeed is Misdeed.NOT_YET:
        changed["nbf"] = changed["iat"]
    return {name: value for name, value in changed.items() if value is not None}


def sign_badly(
    header: dict[str, Any], claims: dict[str, Any], key: ECKey, misdeed: Misdeed
) -> str | None:
    """None where there is nothing wrong with the signature."""
    match misdeed:
        case Misdeed.UNSIGNED:
            return f"{_encode({**header, 'alg': 'none'})}.{_encode(claims)}."
        case Misdeed.SYMMETRIC:
            signed = f"{_encode({**header, 'alg': 'HS256'})}.{_encode(claims)}"
            mac = hmac.digest(key.as_pem(private=False), signed.encode(), hashlib.sha256)
            return f"{signed}.{_base64(mac)}"
        case Misdeed.STRANGER:
            stranger = ECKey.generate_key("P-256", {"kid": key.kid or ""})
            return jws.serialize_compact(header, json.dumps(claims), stranger)
        case Misdeed.CRITICAL:
            marked = {**header, "crit": ["urn:sandbox"], "urn:sandbox": True}
            return jws.serialize_compact(marked, json.dumps(claims), key, registry=_Unchecked())
    return None


class _Unchecked(jws.JWSRegistry):
    def check_header(self, header: Any) -> None:
        """Whatever it is, it is signed."""


def _encode(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
