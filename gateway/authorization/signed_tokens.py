"""A JWT, taken apart and checked without asking anyone: pure.

Signatures are asymmetric only, made with a key the token's issuer publishes, by the algorithm that
key is for; a token that declares anything critical is refused, for we know none of it. What a
header says about where keys are (`jku`, `x5u`, `jwk`, `x5c`) is never looked at.
https://www.rfc-editor.org/rfc/rfc8725 (JWT best practice), https://www.rfc-editor.org/rfc/rfc9068
"""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning

from contract.errors import Code
from gateway.authorization.issuer_keys import PublicKey
from gateway.authorization.strict_json import read_object
from gateway.errors import IdentityError
from gateway.trust import Issuer

MAX_TOKEN_LENGTH = 8192
MAX_SKEW = 60
"""Seconds by which the issuer's clock may differ from ours."""
MAX_TIME = 2**40
"""Beyond it no number is a time."""
MAX_SUBJECT = 255
"""https://openid.net/specs/openid-connect-core-1_0.html#IDToken"""
_SEGMENTS = 3
_ACCESS_TOKEN = frozenset({"at+jwt", "application/at+jwt"})
_TYPES = _ACCESS_TOKEN | {"jwt", "application/jwt"}
# Of encrypted, compressed or nested tokens, and of signatures over something else.
_FOREIGN_HEADERS = frozenset({"crit", "b64", "enc", "zip", "cty"})
# https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken and, for a logout token,
# https://www.rfc-editor.org/rfc/rfc8417#section-2.2
_NOT_OF_ACCESS = frozenset({"at_hash", "c_hash", "s_hash", "events"})
# What Keycloak (`typ`) and Cognito (`token_use`) call their other tokens in a claim.
_OTHER_KINDS = frozenset({"id", "refresh", "offline", "logout"})

Claims = Mapping[str, Any]


def peek(token: str) -> tuple[Claims, Claims]:
    """Header and claims, believed in nothing but which issuer and which key to look up."""
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise invalid("its form")
    try:
        return _decode(segments[0]), _decode(segments[1])
    except (binascii.Error, ValueError):
        raise invalid("its form") from None


def check_header(header: Claims, issuer: Issuer) -> tuple[str | None, str]:
    """The key's name and the algorithm."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise invalid("its algorithm")
    if not _FOREIGN_HEADERS.isdisjoint(header):
        raise invalid("a header we do not understand")
    kind = header.get("typ", "JWT")
    allowed = _ACCESS_TOKEN if issuer.typed_only else _TYPES
    if not isinstance(kind, str) or kind.lower() not in allowed:
        raise invalid("its type")
    if key_id is not None and not isinstance(key_id, str):
        raise invalid("its key id")
    return key_id, algorithm


def verify_signature(token: str, key: PublicKey, algorithm: str) -> Claims:
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = MAX_TOKEN_LENGTH
    try:
        with warnings.catch_warnings(action="ignore", category=SecurityWarning):
            # `EdDSA` names two curves (RFC 9864); here the key has said which of them it is.
            verified = jws.deserialize_compact(token, key, registry=registry)
        return read_object(verified.payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise invalid("its signature") from None


def check_claims(claims: Claims, issuer: Issuer, now: float) -> None:
    """https://www.rfc-editor.org/rfc/rfc7519#section-4.1"""
    if claims.get("iss") != issuer.issuer:
        raise invalid("its issuer")
    if issuer.audience.isdisjoint(audiences(claims.get("aud"))):
        raise invalid("its audience")
    check_kind(claims)
    check_subject(claims, issuer)
    check_times(claims, now)


def check_kind(claims: Claims) -> None:
    """Whether it is an access token, as far as the claims tell."""
    named = {str(claims.get(name)).lower() for name in ("typ", "token_use")}
    if not _OTHER_KINDS.isdisjoint(named) or not _NOT_OF_ACCESS.isdisjoint(claims):
        raise invalid("being no access token")


def check_subject(claims: Claims, issuer: Issuer) -> None:
    """45 CFR 164.312(a)(2)(i): everyone who asks has an identity of their own."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise invalid("no subject")
    if not subject.isprintable() or subject in issuer.shared_subjects:
        raise invalid("its subject")


def check_times(claims: Claims, now: float) -> None:
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or any(not _is_time(value) for value in times.values()):
        raise invalid("its times")
    if now > times["exp"] + MAX_SKEW:
        raise IdentityError(Code.TOKEN_EXPIRED)
    if any(times.get(name, now) > now + MAX_SKEW for name in ("nbf", "iat")):
        raise invalid("a time that has not come")


def audiences(value: Any) -> Sequence[str]:
    values = [value] if isinstance(value, str) else value
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def invalid(what: str) -> IdentityError:
    """The client is told only that it is invalid; the log, what about it."""
    return IdentityError(Code.TOKEN_INVALID, note=f"refused for {what}")


def _decode(segment: str) -> Claims:
    padded = segment + "=" * (-len(segment) % 4)
    return read_object(base64.b64decode(padded, altchars=b"-_", validate=True))


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_TIME
