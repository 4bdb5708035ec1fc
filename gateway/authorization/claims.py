"""From the claims of a verified token to who asks.

Anything odd makes the caller smaller, never larger: a patient id that is no FHIR id is no launch
patient, and without a launch patient the `patient/` scopes are gone, as are malformed ones.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#launch-context
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from contract.context import Caller
from contract.scopes import is_malformed, parse_scope
from gateway.authorization.roles import Claims, RoleMap
from gateway.trust import Issuer

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_FHIR_REFERENCE = re.compile(
    r"(?:https?://\S*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
)


def read_caller(claims: Claims, issuer: Issuer, roles: RoleMap, token_id: str) -> Caller:
    """`claims` are those of a token whose signature, issuer, audience and times were verified.

    Raises `AccessError` for a purpose of use that the caller's roles may not have.
    """
    patient = _patient(claims, issuer)
    standing = roles.standing(claims)
    return Caller(
        subject=claims["sub"],
        client_id=_text(claims, "client_id") or _text(claims, "azp") or "",
        issuer=issuer.issuer,
        roles=standing.roles,
        scopes=tuple(s for s in _scopes(claims, issuer) if _stands(s, patient)),
        patient=patient,
        fhir_user=_fhir_user(claims, issuer),
        purpose=standing.purpose,
        organization=_text(claims, "organization"),
        token_id=_text(claims, "jti") or token_id,
    )


def _patient(claims: Claims, issuer: Issuer) -> str | None:
    """`patient` is an id, or a reference, in the issuer's own source."""
    given = (_text(claims, "patient") or "").removeprefix("Patient/")
    if issuer.patient_source is None or not _FHIR_ID.fullmatch(given):
        return None
    return f"{issuer.patient_source}/{given}"


def _fhir_user(claims: Claims, issuer: Issuer) -> str | None:
    match = _FHIR_REFERENCE.fullmatch(_text(claims, "fhirUser") or "")
    if issuer.patient_source is None or match is None:
        return None
    return f"{issuer.patient_source}/{match['type']}/{match['id']}"


def _scopes(claims: Claims, issuer: Issuer) -> tuple[str, ...]:
    """RFC 8693 has one string; some issuers have a list, or call it `scp`."""
    given = claims.get("scope", claims.get("scp"))
    names = _texts(given.split(" ") if isinstance(given, str) else given)
    if not issuer.scopes:
        return names
    ours = (issuer.scopes.get(name, name).split() for name in names)
    return tuple(dict.fromkeys(itertools.chain.from_iterable(ours)))


def _stands(text: str, patient: str | None) -> bool:
    scope = parse_scope(text)
    if scope is None:
        return not is_malformed(text)
    return scope.level != "patient" or patient is not None


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(dict.fromkeys(each for each in values if isinstance(each, str) and each))


def _text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
