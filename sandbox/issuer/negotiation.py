"""What of the scopes asked for is granted: as much as the person has, and never more.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from contract.scopes import ClinicalScope, parse_scope

REFRESHING = frozenset({"offline_access", "online_access"})
_CONTEXTS = {"patient": "launch/patient", "encounter": "launch/encounter"}
_FIRST_VERSION = {frozenset("rs"): "read", frozenset("cud"): "write", frozenset("cruds"): "*"}


def grant_scopes(
    asked: Collection[str], held: Collection[str], context: Collection[str], *, launched: bool
) -> tuple[str, ...]:
    """`context` names what is in context: `patient`, `encounter`; `launched` from within an EHR."""
    allowed = {*held, *REFRESHING, *(_CONTEXTS[name] for name in context)}
    allowed |= {"launch"} if launched else set()
    granted = (_grant(scope, allowed, has_patient="patient" in context) for scope in asked)
    return tuple(dict.fromkeys(each for some in granted for each in some))


def _grant(text: str, allowed: Collection[str], *, has_patient: bool) -> Iterator[str]:
    asked = parse_scope(text)
    if asked is None:
        if text in allowed:
            yield text
        return
    if asked.level == "patient" and not has_patient:
        return
    for each in allowed:
        held = parse_scope(each)
        both = _both(asked, held) if held is not None else None
        if both is not None:
            yield text if both == asked else _write(both, first_version=_is_first_version(text))


def _both(asked: ClinicalScope, held: ClinicalScope) -> ClinicalScope | None:
    """What two scopes have in common; who may see what a user sees may see a patient's part."""
    reaches = asked.level == held.level or (asked.level, held.level) == ("patient", "user")
    letters = asked.letters & held.letters
    if not reaches or not letters or not (asked.names(held.type) or held.names(asked.type)):
        return None
    type_ = held.type if asked.type == "*" else asked.type
    params = tuple(sorted({*asked.params, *held.params}))
    return replace(asked, type=type_, letters=letters, params=params)


def _is_first_version(text: str) -> bool:
    return text.rpartition(".")[2] in _FIRST_VERSION.values()


def _write(scope: ClinicalScope, *, first_version: bool) -> str:
    letters = "".join(letter for letter in "cruds" if letter in scope.letters)
    if first_version and not scope.params:
        letters = _FIRST_VERSION.get(scope.letters, letters)
    query = "&".join(f"{name}={value}" for name, value in scope.params)
    return f"{scope.level}/{scope.type}.{letters}" + (f"?{query}" if query else "")
