"""An issuer's public keys: found by OpenID discovery, refreshed, and kept while it is silent.

https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
A key that its issuer withdraws is forgotten at the next refresh, which no request waits for. A
token with an unknown key does wait for one, but there is not more than one in `MIN_INTERVAL`, so
that forged tokens cannot make us call the issuer at will. While the issuer does not answer, the
last good keys serve for a bounded time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from gateway.settings import LOOPBACK, Issuer, Settings
from gateway.telemetry import log

MIN_INTERVAL = 10.0
"""Seconds between two attempts, once there are keys."""
RETRY_SECONDS = 1.0
"""Between two attempts while there are none."""
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024
MIN_RSA_BITS = 2048
_UNAVAILABLE = "issuer_keys_unavailable"

PublicKey = ECKey | OKPKey | RSAKey


class IssuerUnavailableError(Exception):
    """The issuer's keys cannot be had; the message tells why, for the log."""


class IssuerKeys:
    def __init__(
        self,
        issuer: Issuer,
        settings: Settings,
        http: aiohttp.ClientSession,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._settings = settings
        self._http = http
        self._clock = clock
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._refreshing = asyncio.Lock()

    async def find(self, key_id: str | None) -> PublicKey | None:
        """The key of that name; without a name, the only key there is.

        Raises `IssuerUnavailableError` where there are no keys that may still be used.
        """
        if (key := self._known(key_id)) is None:
            await self.refresh()
            key = self._known(key_id)
        if key is None and not self.ready:
            raise IssuerUnavailableError("no keys have been obtained")
        return key

    async def keep_fresh(self) -> NoReturn:
        """Refresh the keys when it is time, for as long as the gateway runs."""
        while True:
            await self.refresh()
            stale = self._age() > self._settings.jwks_refresh_seconds
            wait = self._pause() if stale else self._settings.jwks_refresh_seconds - self._age()
            await asyncio.sleep(wait)

    @property
    def ready(self) -> bool:
        return bool(self._keys) and self._age() <= self._settings.jwks_keep_seconds

    async def refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; a failure leaves them as they are."""
        asked_at = self._clock()
        async with self._refreshing:
            if self._tried_at >= asked_at or self._clock() - self._tried_at < self._pause():
                return
            self._tried_at = self._clock()
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    keys = await self._fetch()
            except IssuerUnavailableError as error:
                log.warning(_UNAVAILABLE, issuer=self._issuer.issuer, reason=str(error))
                return
            except Exception as error:  # noqa: BLE001 - whatever it sends, we keep what we have
                log.warning(_UNAVAILABLE, issuer=self._issuer.issuer, exc_info=error)
                return
            self._keys, self._fetched_at = keys, self._clock()

    def _known(self, key_id: str | None) -> PublicKey | None:
        if self._age() > self._settings.jwks_keep_seconds:
            return None
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _pause(self) -> float:
        return MIN_INTERVAL if self.ready else RETRY_SECONDS

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _fetch(self) -> Mapping[str, PublicKey]:
        document = await self._get(self._issuer.jwks_uri or await self._discover())
        entries = document.get("keys")
        if not isinstance(entries, list):
            raise IssuerUnavailableError("the key set holds no keys")
        keys: dict[str, PublicKey] = {}
        for entry in entries:
            if (key := _read_key(entry)) is not None:
                keys[str(entry.get("kid", ""))] = key
        if not keys:
            raise IssuerUnavailableError("the key set holds no key that may verify a signature")
        return keys

    async def _discover(self) -> str:
        base = self._issuer.issuer.rstrip("/")
        document = await self._get(f"{base}/.well-known/openid-configuration")
        uri = document.get("jwks_uri")
        # https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
        if document.get("issuer") != self._issuer.issuer or not isinstance(uri, str):
            raise IssuerUnavailableError("the discovery document is not this issuer's")
        return uri

    async def _get(self, url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise IssuerUnavailableError("keys are only fetched over TLS")
        # A redirect could lead inside our own network.
        async with self._http.get(url, allow_redirects=False) as response:
            if response.status != 200:  # noqa: PLR2004 - OK
                raise IssuerUnavailableError(f"answered with status {response.status}")
            body = await response.content.read(MAX_BYTES)
            if not response.content.at_eof():
                raise IssuerUnavailableError("the answer is too large")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise IssuerUnavailableError("the answer is not a JSON object") from None


def _read_key(entry: Any) -> PublicKey | None:
    """A public key that may verify signatures; any other entry is passed over.

    A symmetric key in a published set is a key that everyone has.
    """
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    if "verify" not in entry.get("key_ops", ["verify"]):
        return None
    try:
        key = JWKRegistry.import_key(entry)
        weak = isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, PublicKey) and not weak else None
