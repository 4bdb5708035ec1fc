"""How we prove to an upstream who we are.

A source has one `Credentials`, shared by all its calls: a token is fetched once, by whichever call
needs it first, and used until shortly before it expires.
"""

from __future__ import annotations

import base64
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import httpx2
import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from subgraphs.connectors.config import (
    AccountCredentials,
    BasicFile,
    BearerFile,
    ConfigError,
    SmartBackend,
)
from subgraphs.connectors.errors import ProtocolViolation, Refused, Rejected
from subgraphs.connectors.parallel import Shared

ASSERTION_LIFETIME = 240
"""Seconds; SMART allows at most 300."""
MARGIN = 30
"""Seconds before its end at which a token is no longer used; clocks differ, calls take time."""


class Credentials(Protocol):
    async def header(self) -> str | None:
        """The value of the Authorization header, or None where the source asks for none."""

    async def renew(self, refused: str) -> bool:
        """Replace the header value that was answered with 401; False if there is no other."""

    async def aclose(self) -> None: ...


class NoCredentials:
    async def header(self) -> str | None:
        return None

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - the interface's parameter
        return False

    async def aclose(self) -> None: ...


class StaticBearer(NoCredentials):
    def __init__(self, config: BearerFile) -> None:
        self._header = f"Bearer {read_secret(config.token_file)}"

    async def header(self) -> str | None:
        return self._header


class Basic(NoCredentials):
    """RFC 7617"""

    def __init__(self, config: BasicFile) -> None:
        self._header = _basic(config.user, read_secret(config.password_file))

    async def header(self) -> str | None:
        return self._header


class FetchedToken(ABC):
    """A token of an authorization server, one at a time."""

    def __init__(self, client: httpx2.AsyncClient, *, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._now = now
        self._token: _Token | None = None
        self._fetching: Shared[_Token] = Shared()

    @abstractmethod
    async def _ask(self) -> httpx2.Response:
        """For a token: RFC 6749 §5.1 tells the answer's form."""

    async def header(self) -> str | None:
        if self._token is None or self._token.usable_until <= self._now():
            self._token = await self._fetching.get(None, self._fetch)
        return self._token.header

    async def renew(self, refused: str) -> bool:
        # Another call may have renewed it already: its token deserves the same chance.
        if self._token is not None and self._token.header == refused:
            self._token = None
        return True

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _fetch(self) -> _Token:
        try:
            answer = await self._ask()
        except Rejected:
            # RFC 6749 §5.2 answers 400 to an unknown client or scope.
            raise Refused("the authorization server refused our credentials") from None
        try:
            grant = msgspec.json.decode(answer.content, type=_Grant)
        except msgspec.DecodeError:
            raise ProtocolViolation("the authorization server issued no bearer token") from None
        usable = max(grant.expires_in - MARGIN, grant.expires_in / 2)
        return _Token(f"Bearer {grant.access_token}", self._now() + usable)


class BackendServices(FetchedToken):
    """OAuth client credentials with a signed assertion.

    https://hl7.org/fhir/smart-app-launch/backend-services.html
    """

    def __init__(
        self,
        config: SmartBackend,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, now=now)
        self._config = config
        self._key, self._algorithm = _signing_key(config.key_file)

    async def _ask(self) -> httpx2.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": self._config.scope,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._assertion(),
        }
        return await self._client.post(self._config.token_url, data=form)

    def _assertion(self) -> str:
        now = int(self._now())
        header = {"alg": self._algorithm, "typ": "JWT"}
        if self._key.kid:
            header["kid"] = self._key.kid
        claims = {
            "iss": self._config.client_id,
            "sub": self._config.client_id,
            "aud": self._config.token_url,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(header, claims, self._key, algorithms=[self._algorithm])


class AccountGrant(FetchedToken):
    """Zoom's grant for an account. https://developers.zoom.us/docs/internal-apps/s2s-oauth/"""

    def __init__(
        self,
        config: AccountCredentials,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, now=now)
        self._config = config
        self._authorization = _basic(config.client_id, read_secret(config.secret_file))

    async def _ask(self) -> httpx2.Response:
        form = {"grant_type": "account_credentials", "account_id": self._config.account_id}
        headers = {"Authorization": self._authorization}
        return await self._client.post(self._config.token_url, data=form, headers=headers)


@dataclass(frozen=True, slots=True)
class _Token:
    header: str = field(repr=False)
    usable_until: float


class _Grant(msgspec.Struct, frozen=True):
    access_token: str
    token_type: Literal["Bearer", "bearer"]
    expires_in: int = 60
    """A server that names no lifetime gets a short one; SMART requires the field."""


def read_secret(file: Path) -> str:
    """The only content of a file."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{file}: holds no readable token") from None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _signing_key(file: Path) -> tuple[jwk.RSAKey | jwk.ECKey, str]:
    try:
        key = jwk.import_key(msgspec.json.decode(file.read_bytes()))
    except (OSError, msgspec.DecodeError, JoseError, ValueError, TypeError, KeyError):
        raise ConfigError(f"{file}: is no private RSA or EC key as a JWK") from None
    if not isinstance(key, jwk.RSAKey | jwk.ECKey) or not key.is_private:
        raise ConfigError(f"{file}: is no private RSA or EC key as a JWK")
    if isinstance(key, jwk.RSAKey):
        return key, "RS384"
    if key.curve_name != "P-384":
        raise ConfigError(f"{file}: SMART asks for ES384, hence a key on P-384")
    return key, "ES384"
