"""The registry of clients: one YAML file, validated whole.

It bounds what tokens say, and never grants: a client's scopes are the most that any of its tokens
opens, whatever its issuer wrote into them. `docs/limits.md` shows a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from contract.scopes import is_malformed
from gateway.bounds import Bounds, Budget, Limits, OnDenial

BoundsT = TypeVar("BoundsT", bound=Bounds)

# https://www.rfc-editor.org/rfc/rfc8705#section-3.1: SHA-256 of the certificate, in base64url.
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class ClientsError(Exception):
    """The registry's file is none; the message names each wrong place, and no value."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client proves itself with: its certificate, or what it signs assertions with."""

    thumbprints: frozenset[str] = frozenset()
    """As `x5t#S256` has them. https://www.rfc-editor.org/rfc/rfc8705#section-3.1"""
    jwks: KeySet | None = None
    """Public, and asymmetric. https://www.rfc-editor.org/rfc/rfc7523#section-2.2"""


@dataclass(frozen=True, slots=True)
class Documents:
    trusted_only: bool = False
    manifest: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    id: str
    name: str = ""
    contact: str = ""
    scopes: frozenset[str] | None = None
    """The most that its tokens open; None where that is not bounded."""
    keys: Keys = field(default_factory=Keys)
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    documents: Documents = field(default_factory=Documents)
    on_denial: OnDenial | None = None
    """Where it is other than for everyone."""


def read_clients(path: Path, limits: Limits, budget: Budget) -> Mapping[str, Client]:
    """By id. What a client's limits and budget leave out is as for everyone.

    Raises `ClientsError`.
    """
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError:
        raise ClientsError(f"the registry of clients {path} cannot be read") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise ClientsError(f"the registry of clients {path} is not YAML{line}") from None
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ClientsError(f"the registry of clients {path}: {'; '.join(wrong)}") from None
    return {
        name: _client(name, entry, path.parent, limits, budget)
        for name, entry in file.clients.items()
    }


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _scope(text: str) -> str:
    if not text or any(letter.isspace() for letter in text):
        raise ValueError("one scope in each entry, without spaces")
    if is_malformed(text):
        raise ValueError("written like a SMART scope, and is none; see docs/limits.md")
    return text


def _thumbprint(text: str) -> str:
    if _THUMBPRINT.fullmatch(text) is None:
        raise ValueError("a certificate's SHA-256 in base64url has 43 letters, and no padding")
    return text


def _jwks(value: Any) -> Any:
    try:
        keys = KeySet.import_key_set(value)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("no set of JSON web keys") from None
    if any(isinstance(key, OctKey) or key.is_private for key in keys):
        raise ValueError("only public keys belong here: the client keeps the private ones")
    return keys


class _Keys(_Part):
    thumbprints: frozenset[Annotated[str, AfterValidator(_thumbprint)]] = frozenset()
    jwks: Annotated[Any, AfterValidator(_jwks)] = None


class _Documents(_Part):
    trusted_only: bool = False
    manifest: Path | None = None


class _Client(_Part):
    name: str = Field(min_length=1)
    contact: str = Field(min_length=1)
    scopes: frozenset[Annotated[str, AfterValidator(_scope)]] | None = None
    keys: _Keys = _Keys()
    limits: Limits = Limits()
    budget: Budget = Budget()
    documents: _Documents = _Documents()
    on_denial: OnDenial | None = None


class _File(_Part):
    clients: Mapping[Annotated[str, Field(min_length=1)], _Client]


def _client(name: str, entry: _Client, folder: Path, limits: Limits, budget: Budget) -> Client:
    keys = Keys(entry.keys.thumbprints, entry.keys.jwks)
    manifest = entry.documents.manifest
    return Client(
        id=name,
        name=entry.name,
        contact=entry.contact,
        scopes=entry.scopes,
        keys=keys,
        limits=_over(limits, entry.limits),
        budget=_over(budget, entry.budget),
        documents=Documents(
            entry.documents.trusted_only, folder / manifest if manifest is not None else None
        ),
        on_denial=entry.on_denial,
    )


def _over(general: BoundsT, own: BoundsT) -> BoundsT:
    """What the client's entry names; the rest is as for everyone."""
    if not own.model_fields_set:
        # The very same, so that whoever keeps something by it has one to keep.
        return general
    return general.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
