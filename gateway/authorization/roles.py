"""From an issuer's words to our roles, and what each role may ask for.

One YAML file for each issuer says where in its tokens the words stand, which role they mean, and
which purposes of use the role may have. A caller acts in those of her roles that may have the
token's purpose; where none may, the request is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import yaml

from contract.errors import Code
from gateway.errors import AccessError
from gateway.settings import SettingsError
from gateway.trust import Issuer

Claims: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = tuple[str, ...]

UNTOLD: Final = "TREAT"
"""The purpose of whoever tells none and has no role that tells it."""
_PURPOSE: Final = re.compile(r"[A-Z][A-Z0-9]{1,19}")
_PURPOSE_CLAIMS: Final[tuple[Steps, ...]] = (
    ("purpose_of_use",),
    ("purpose",),
    # https://profiles.ihe.net/ITI/IUA/index.html#371242-json-web-token-option
    ("extensions", "ihe_iua", "purpose_of_use"),
    # https://hl7.org/fhir/us/udap-security/STU1/b2b.html#b2b-authorization-extension-object
    ("extensions", "hl7-b2b", "purpose_of_use"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """In which roles someone acts, and what for."""

    roles: tuple[str, ...]
    purpose: str


@dataclass(frozen=True, slots=True)
class Role:
    words: frozenset[str]
    """Any of the issuer's words that mean it."""
    purposes: tuple[str, ...]
    """Those it may have; the first is that of a token which tells none."""


@dataclass(frozen=True, slots=True)
class RoleMap:
    """What one issuer's file says. Without a file nobody has a role."""

    claims: tuple[Steps, ...] = ()
    """Where in a token the words stand."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    without_role: tuple[str, ...] | None = None
    """The purposes of whoever has no role; None where the file leaves them to the issuer."""

    def standing(self, claims: Claims) -> Standing:
        """Raises `AccessError` for a purpose that none of the caller's roles may have."""
        words = {word for steps in self.claims for word in _words(_descend(claims, steps))}
        held = {name: role for name, role in self.roles.items() if words & role.words}
        claimed = tuple(_purposes(claims))
        if not held:
            return Standing((), self._purpose_without_role(claimed))
        # Told none, it is that of the first of her roles in the file.
        asked = claimed or next(iter(held.values())).purposes[:1]
        for purpose in asked:
            roles = tuple(name for name, role in held.items() if purpose in role.purposes)
            if roles:
                return Standing(roles, purpose)
        raise AccessError(Code.PURPOSE_NOT_PERMITTED)

    def _purpose_without_role(self, claimed: tuple[str, ...]) -> str:
        if self.without_role is None:
            # An issuer of another graph may mean anything by the word.
            return next(filter(_PURPOSE.fullmatch, claimed), UNTOLD)
        for purpose in claimed or (UNTOLD,):
            if purpose in self.without_role:
                return purpose
        raise AccessError(Code.PURPOSE_NOT_PERMITTED)


RoleMaps: TypeAlias = Mapping[str, RoleMap]
"""By the issuers' names."""


def read_role_maps(issuers: Iterable[Issuer]) -> RoleMaps:
    """Raises `SettingsError`."""
    return {each.issuer: read_roles(each.roles) for each in issuers if each.roles is not None}


def version_of(roles: RoleMaps) -> str:
    """Equal for equal files, in every process."""
    return hashlib.sha256(msgspec.json.encode(roles, order="deterministic")).hexdigest()


def read_roles(path: Path) -> RoleMap:
    """Raises `SettingsError`, which names the file, the place in it and how to mend it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise _wrong(path, "the file", "cannot be read", "name a file in UTF-8") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        raise _wrong(path, place, "is no YAML", "correct it there") from None
    return _Reader(path).role_map(content)


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path

    def role_map(self, content: Any) -> RoleMap:
        known = {"claims", "roles", "without_role"}
        content = self._mapping(content, "the file", known)
        claims = content.get("claims", ["roles"])
        if not isinstance(claims, list) or not claims:
            raise _wrong(self.path, "claims", "is no list", "write where the words stand: [roles]")
        roles = content.get("roles")
        if not isinstance(roles, dict) or not roles:
            raise _wrong(self.path, "roles", "names no role", "write each role and its purposes")
        without = content.get("without_role")
        return RoleMap(
            tuple(self._steps(each, f"claims[{index}]") for index, each in enumerate(claims)),
            {str(name): self._role(str(name), given) for name, given in roles.items()},
            None if without is None else self._codes(without, "without_role"),
        )

    def _steps(self, given: Any, place: str) -> Steps:
        steps = given.split(".") if isinstance(given, str) else given
        if isinstance(steps, list) and steps and all(isinstance(s, str) and s for s in steps):
            return tuple(steps)
        mend = "write realm_access.roles, or a list where a name has dots"
        raise _wrong(self.path, place, "is no path", mend)

    def _role(self, name: str, given: Any) -> Role:
        place = f"roles.{name}"
        given = self._mapping(given, place, {"words", "purposes"})
        words = given.get("words", [name])
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
            mend = "write the issuer's words for it: [doctors]"
            raise _wrong(self.path, f"{place}.words", "is no list of words", mend)
        purposes = self._codes(given.get("purposes"), f"{place}.purposes")
        if not purposes:
            raise _wrong(self.path, f"{place}.purposes", "is empty", "name one: [TREAT]")
        return Role(frozenset(words), purposes)

    def _codes(self, given: Any, place: str) -> tuple[str, ...]:
        if isinstance(given, list) and all(
            isinstance(each, str) and _PURPOSE.fullmatch(each) for each in given
        ):
            return tuple(given)
        mend = "write codes of v3-PurposeOfUse: [TREAT, ETREAT]"
        raise _wrong(self.path, place, "is no list of purposes", mend)

    def _mapping(self, given: Any, place: str, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(given, dict):
            mend = f"write {', '.join(sorted(known))} with their values"
            raise _wrong(self.path, place, "is no mapping", mend)
        if unknown := sorted(str(name) for name in given.keys() - known):
            mend = f"there are {', '.join(sorted(known))}"
            raise _wrong(self.path, place, f"has unknown words: {', '.join(unknown)}", mend)
        return given


def _wrong(path: Path, place: str, what: str, mend: str) -> SettingsError:
    return SettingsError(f"{path}: {place} {what}; {mend}")


def _descend(claims: Claims, steps: Steps) -> Any:
    value: Any = claims
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _words(value: Any) -> Iterator[str]:
    for each in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
        if isinstance(each, str) and each:
            yield each


def _purposes(claims: Claims) -> Iterator[str]:
    """Codes, whether told as text, as a URI that ends in it, or as a coding; "" for anything else.

    What cannot be read is still a claim, and no role may have it.
    """
    for steps in _PURPOSE_CLAIMS:
        value = _descend(claims, steps)
        for each in value if isinstance(value, list) else [] if value is None else [value]:
            told = each.get("code") if isinstance(each, dict) else each
            yield re.split(r"[#|:/]", told)[-1] if isinstance(told, str) else ""
