"""A bearer token, verified: who asks.

Signatures are asymmetric only, made with a key the token's issuer publishes, by the algorithm that
key is for; `iss`, `aud`, `exp` and `nbf` are checked; a token that declares anything critical is
refused, for we know none of it. https://www.rfc-editor.org/rfc/rfc8725 (JWT best practice)

A verified token is remembered, by its SHA-256, until it expires but for `token_cache_seconds` at
most, which bounds how late a withdrawal is noticed: here, and sealed in Redis for our replicas.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from contract.context import Caller
from contract.errors import Code
from gateway.authorization.claims import read_caller
from gateway.authorization.identity import Verified
from gateway.authorization.issuer_keys import IssuerKeys, IssuerUnavailableError, PublicKey
from gateway.cache.lru import LruCache
from gateway.cache.sealed import SealedCache
from gateway.errors import BusyError, IdentityError
from gateway.settings import Issuer, Settings

MAX_TOKEN_LENGTH = 8192
MAX_SKEW = 60
"""Seconds by which the issuer's clock may differ from ours."""
MAX_TIME = 2**40
"""Beyond it no number is a time."""
CACHED_TOKENS = 10_000
_SEGMENTS = 3
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class Remembered(msgspec.Struct, frozen=True):
    """A verified token as it lies in Redis."""

    caller: Caller
    expires_at: float
    until: float


class TokenVerifier:
    def __init__(
        self,
        settings: Settings,
        http: aiohttp.ClientSession,
        shared: SealedCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._shared = shared
        self._clock = clock
        self._issuers = {each.issuer: each for each in settings.issuers}
        self._keys = {
            name: IssuerKeys(each, settings, http) for name, each in self._issuers.items()
        }
        self._known: LruCache[bytes, Verified] = LruCache(CACHED_TOKENS, clock=clock)

    async def verify(self, token: str) -> Verified:
        """Raises `IdentityError`; `BusyError` while the issuer's keys cannot be had."""
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise _invalid("its form")
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._known.get(digest) or await self._recall(digest)
        if verified is None:
            verified = await self._read(token, digest)
            await self._remember(digest, verified)
        if self._clock() > verified.expires_at + MAX_SKEW:
            raise IdentityError(Code.TOKEN_EXPIRED)
        return verified

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
        header, claims = _peek(token)
        issuer = self._issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise _invalid("its issuer")
        algorithm = _check_header(header, issuer)
        key = await self._key(issuer, header.get("kid"))
        if key.alg not in (None, algorithm):
            raise _invalid("an algorithm its key is not for")
        claims = _verify_signature(token, key, algorithm)
        _check_claims(claims, issuer, self._clock())
        caller = read_caller(claims, issuer, digest.hex()[:32])
        return Verified(caller, float(claims["exp"]))

    async def _key(self, issuer: Issuer, key_id: Any) -> PublicKey:
        if key_id is not None and not isinstance(key_id, str):
            raise _invalid("its key id")
        try:
            key = await self._keys[issuer.issuer].find(key_id)
        except IssuerUnavailableError as error:
            raise BusyError(Code.ISSUER_UNAVAILABLE, note=str(error)) from None
        if key is None:
            raise _invalid("its key")
        return key

    async def _remember(self, digest: bytes, verified: Verified) -> None:
        now = self._clock()
        seconds = min(verified.expires_at - now, self._settings.token_cache_seconds)
        if seconds < 1:
            return
        self._known.put(digest, verified, seconds=seconds)
        if self._shared is not None:
            remembered = Remembered(verified.caller, verified.expires_at, now + seconds)
            value = msgspec.msgpack.encode(remembered)
            await self._shared.put(digest.hex(), value, int(seconds))

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
        verified = Verified(known.caller, known.expires_at)
        self._known.put(digest, verified, seconds=seconds)
        return verified


def _peek(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, believed in nothing but which issuer and which key to look up."""
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise _invalid("its form")
    try:
        return _json(segments[0]), _json(segments[1])
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        raise _invalid("its form") from None


def _json(segment: str) -> dict[str, Any]:
    raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    return msgspec.json.decode(raw, type=dict[str, Any])


def _check_header(header: Mapping[str, Any], issuer: Issuer) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise _invalid("its algorithm")
    if "crit" in header or "b64" in header:
        raise _invalid("a critical header we do not know")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _invalid("its type")
    return algorithm


def _verify_signature(token: str, key: PublicKey, algorithm: str) -> Mapping[str, Any]:
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = MAX_TOKEN_LENGTH
    try:
        verified = jws.deserialize_compact(token, key, registry=registry)
        return msgspec.json.decode(verified.payload, type=dict[str, Any])
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError, KeyError):
        raise _invalid("its signature") from None


def _check_claims(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    """https://www.rfc-editor.org/rfc/rfc7519#section-4.1"""
    if claims.get("iss") != issuer.issuer:
        raise _invalid("its issuer")
    if issuer.audience.isdisjoint(_audiences(claims.get("aud"))):
        raise _invalid("its audience")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        # 45 CFR 164.312(a)(2)(i): everyone who asks has an identity of their own.
        raise _invalid("no subject")
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or any(not _is_time(value) for value in times.values()):
        raise _invalid("its times")
    if now > times["exp"] + MAX_SKEW:
        raise IdentityError(Code.TOKEN_EXPIRED)
    if any(times.get(name, now) > now + MAX_SKEW for name in ("nbf", "iat")):
        raise _invalid("a time that has not come")


def _audiences(value: Any) -> Sequence[str]:
    values = [value] if isinstance(value, str) else value
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_TIME


def _invalid(what: str) -> IdentityError:
    """The client is told only that it is invalid; the log, what about it."""
    return IdentityError(Code.TOKEN_INVALID, note=f"refused for {what}")
