"""A bearer token, verified: who asks.

A JWT is verified by its issuer's keys; an opaque token is described by the issuer that is set up
for them, and a JWT is put to its issuer as well where the settings say so. A token that is bound to
a certificate is good only together with it.

A verified token is remembered, by its SHA-256, until it expires but for `token_cache_seconds` at
most, which bounds how late a revocation is noticed: here, and sealed in Redis for our replicas.
One that was refused for what its issuer said is not put to it again for `REFUSED_SECONDS`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import msgspec

from contract.context import Caller
from contract.errors import Code
from gateway.authorization.bearer import digest_of
from gateway.authorization.binding import read_binding
from gateway.authorization.claims import read_caller
from gateway.authorization.identity import Verified
from gateway.authorization.introspection import Introspector
from gateway.authorization.issuer_http import IssuerHttp, IssuerUnavailableError
from gateway.authorization.issuer_keys import IssuerKeys, PublicKey
from gateway.authorization.roles import RoleMap, RoleMaps, version_of
from gateway.authorization.signed_tokens import (
    MAX_SKEW,
    MAX_TOKEN_LENGTH,
    Claims,
    check_claims,
    check_header,
    invalid,
    peek,
    verify_signature,
)
from gateway.cache.lru import LruCache
from gateway.cache.sealed import SealedCache
from gateway.errors import BusyError, IdentityError
from gateway.settings import Settings
from gateway.telemetry import Metrics
from gateway.trust import Issuer

T = TypeVar("T")

CACHED_TOKENS = 10_000
REFUSED_SECONDS = 30.0
# https://www.rfc-editor.org/rfc/rfc6750#section-2.1
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_JOSE = "eyJ"
"""How every JOSE header begins, encoded: one that we cannot verify is not somebody's opaque token,
but a JWT that is broken or encrypted."""


class Remembered(msgspec.Struct, frozen=True):
    """A verified token as it lies in Redis."""

    caller: Caller
    expires_at: float
    until: float
    roles: str
    """Of the files its roles were read by: whoever has other files reads the token anew."""
    certificate: str | None = None


class TokenVerifier:
    def __init__(
        self,
        settings: Settings,
        http: aiohttp.ClientSession,
        metrics: Metrics,
        shared: SealedCache | None = None,
        clock: Callable[[], float] = time.time,
        *,
        roles: RoleMaps | None = None,
    ) -> None:
        """`roles` are by the issuers' names; of an issuer without any, nobody has a role.

        Raises `SettingsError` where our credentials for an issuer cannot be read.
        """
        self._settings = settings
        self._shared = shared
        self._clock = clock
        self._issuers = {each.issuer: each for each in settings.issuers}
        self._keys: dict[str, IssuerKeys] = {}
        self._introspectors: dict[str, Introspector] = {}
        for name, issuer in self._issuers.items():
            asking = IssuerHttp(name, http)
            if issuer.publishes_keys:
                self._keys[name] = IssuerKeys(issuer, settings, asking, metrics)
            if issuer.introspection is not None:
                self._introspectors[name] = Introspector(
                    issuer, issuer.introspection, asking, metrics, clock
                )
        self._opaque = next(
            (i for i in settings.issuers if i.introspection and i.introspection.opaque_tokens), None
        )
        self._known: LruCache[bytes, Verified] = LruCache(CACHED_TOKENS, clock=clock)
        self._refused: LruCache[bytes, Code] = LruCache(CACHED_TOKENS, clock=clock)
        self._roles: RoleMaps = {}
        self.use_roles(roles or {})

    async def verify(self, token: str, certificate: str | None = None) -> Verified:
        """`certificate` is the thumbprint of the one the client showed.

        Raises `IdentityError`; `AccessError` for a purpose of use that is not the caller's;
        `BusyError` while the issuer cannot be asked what has to be known.
        """
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise invalid("its form")
        digest = digest_of(token)
        verified = self._known.get(digest) or await self._recall(digest)
        if verified is None:
            verified = await self._read(token, digest)
            await self._remember(digest, verified)
        if self._clock() > verified.expires_at + MAX_SKEW:
            raise IdentityError(Code.TOKEN_EXPIRED)
        if verified.certificate is not None and verified.certificate != certificate:
            raise invalid("the certificate it is bound to")
        return verified

    def known(self, digest: bytes) -> Verified | None:
        """As it is remembered here by `digest_of`, where that is enough and nobody has to be asked.

        It is good until `Verified.until`, with whatever certificate it is bound to.
        """
        verified = self._known.get(digest)
        return verified if verified is not None and self._clock() < verified.until else None

    def use_roles(self, roles: RoleMaps) -> None:
        """From now on; whom we know by other files is forgotten."""
        if roles != self._roles:
            self._known = LruCache(CACHED_TOKENS, clock=self._clock)
        self._roles = roles
        self._roles_version = version_of(roles)

    @property
    def ready(self) -> bool:
        """Whether the keys of every issuer are at hand."""
        return all(keys.ready for keys in self._keys.values())

    async def keep_ready(self) -> None:
        """Have the keys at hand before the first token comes, and keep them fresh; never ends."""
        await asyncio.gather(*(keys.keep_fresh() for keys in self._keys.values()))

    async def refresh(self) -> None:
        """Fetch every issuer's keys now."""
        await asyncio.gather(*(keys.refresh() for keys in self._keys.values()))

    async def _read(self, token: str, digest: bytes) -> Verified:
        if (refused := self._refused.get(digest)) is not None:
            raise IdentityError(refused, note="refused a moment ago for its issuer's word")
        try:
            issuer, claims = await self._claims(token, digest)
        except IssuerUnavailableError as error:
            raise BusyError(Code.ISSUER_UNAVAILABLE, note=str(error)) from None
        roles = self._roles.get(issuer.issuer, RoleMap())
        caller = read_caller(claims, issuer, roles, digest.hex()[:32])
        expires_at = float(claims["exp"])
        until = min(expires_at, self._clock() + self._settings.token_cache_seconds)
        return Verified(caller, expires_at, read_binding(claims), until)

    async def _claims(self, token: str, digest: bytes) -> tuple[Issuer, Claims]:
        if self._opaque is not None and not token.startswith(_JOSE):
            if _TOKEN.fullmatch(token) is None:
                raise invalid("its form")
            return await self._described(self._opaque, token, digest)
        header, unproved = peek(token)
        named = unproved.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise invalid("its issuer")
        if not issuer.publishes_keys:
            return await self._described(issuer, token, digest)
        key_id, algorithm = check_header(header, issuer)
        key = await self._key(issuer, key_id, algorithm)
        claims = verify_signature(token, key, algorithm)
        check_claims(claims, issuer, self._clock())
        if issuer.introspection is not None and issuer.introspection.signed_tokens:
            await self._hear(digest, self._introspectors[issuer.issuer].confirm(token, claims))
        return issuer, claims

    async def _described(self, issuer: Issuer, token: str, digest: bytes) -> tuple[Issuer, Claims]:
        return issuer, await self._hear(digest, self._introspectors[issuer.issuer].describe(token))

    async def _hear(self, digest: bytes, answer: Awaitable[T]) -> T:
        """What the issuer says of a token, for which it may be refused for a while."""
        try:
            return await answer
        except IdentityError as error:
            self._refused.put(digest, error.code, seconds=REFUSED_SECONDS)
            raise

    async def _key(self, issuer: Issuer, key_id: str | None, algorithm: str) -> PublicKey:
        key = await self._keys[issuer.issuer].find(key_id, algorithm)
        if key is None:
            raise invalid("its key")
        return key

    async def _remember(self, digest: bytes, verified: Verified) -> None:
        seconds = verified.until - self._clock()
        if seconds <= 0:
            return
        self._known.put(digest, verified, seconds=seconds)
        if self._shared is not None and round(seconds):
            remembered = Remembered(
                verified.caller,
                verified.expires_at,
                verified.until,
                self._roles_version,
                verified.certificate,
            )
            value = msgspec.msgpack.encode(remembered)
            await self._shared.put(digest.hex(), value, round(seconds))

    async def _recall(self, digest: bytes) -> Verified | None:
        value = await self._shared.get(digest.hex()) if self._shared else None
        if value is None:
            return None
        try:
            known = msgspec.msgpack.decode(value, type=Remembered)
        except msgspec.MsgspecError:
            return None
        seconds = known.until - self._clock()
        # A replica may be configured otherwise than we are, or have been until a moment ago.
        if seconds <= 0 or known.caller.issuer not in self._issuers:
            return None
        if known.roles != self._roles_version:
            return None
        verified = Verified(known.caller, known.expires_at, known.certificate, known.until)
        self._known.put(digest, verified, seconds=seconds)
        return verified
