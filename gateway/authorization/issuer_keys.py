"""An issuer's public keys: refreshed, and kept while it is silent.

A key that its issuer withdraws is forgotten at the next refresh, which no request waits for. A
token with an unknown key does wait for one, but there is not more than one in `MIN_INTERVAL`, so
that forged tokens cannot make us call the issuer at will. While the issuer does not answer, the
last good keys serve for a bounded time; each failure is counted and logged, and that the time is
over is an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from gateway.authorization.issuer_http import IssuerHttp, IssuerUnavailableError
from gateway.settings import Settings
from gateway.telemetry import Metrics, log
from gateway.trust import Issuer

MIN_INTERVAL = 10.0
"""Seconds between two attempts, once there are keys."""
RETRY_SECONDS = 1.0
"""Between two attempts while there are none."""
MIN_RSA_BITS = 2048
KEYS = "keys"
"""What was asked of the issuer, as the metrics call it."""

PublicKey = ECKey | OKPKey | RSAKey
# https://www.rfc-editor.org/rfc/rfc7518#section-3.1, https://www.rfc-editor.org/rfc/rfc9864
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_EDWARDS = frozenset({"Ed25519", "Ed448"})
_LONG = "n" * -(-MIN_RSA_BITS // 6)
"""As long as the modulus of a key that will do is in base64; joserfc warns of shorter ones."""


class IssuerKeys:
    def __init__(
        self,
        issuer: Issuer,
        settings: Settings,
        http: IssuerHttp,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._settings = settings
        self._http = http
        self._failures = metrics.issuer_failures.labels(issuer.issuer, KEYS)
        self._clock = clock
        self._keys: Sequence[PublicKey] = ()
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._refreshing = asyncio.Lock()
        metrics.issuer_keys_age.labels(issuer.issuer).set_function(self._age)

    async def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """The key of that name, or without a name the only one, that is for the algorithm.

        Raises `IssuerUnavailableError` where there are no keys that may still be used.
        """
        if (key := self._known(key_id, algorithm)) is None:
            await self.refresh()
            key = self._known(key_id, algorithm)
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
                keys = await self._fetch()
            except IssuerUnavailableError as error:
                self._alarm(reason=str(error))
            except Exception as error:  # noqa: BLE001 - whatever it sends, we keep what we have
                self._alarm(exc_info=error)
            else:
                self._keys, self._fetched_at = keys, self._clock()

    def _alarm(self, *, reason: str | None = None, exc_info: Exception | None = None) -> None:
        self._failures.inc()
        name = self._issuer.issuer
        if self._keys and not self.ready:
            log.error("issuer_keys_expired", issuer=name, reason=reason, exc_info=exc_info)
        else:
            log.warning("issuer_keys_unavailable", issuer=name, reason=reason, exc_info=exc_info)

    def _known(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        if self._age() > self._settings.jwks_keep_seconds:
            return None
        fitting = [
            key for key in self._keys if key_id in (None, key.kid or "") and is_for(key, algorithm)
        ]
        # Of two we could not tell which one was meant.
        return fitting[0] if len(fitting) == 1 else None

    def _pause(self) -> float:
        return MIN_INTERVAL if self.ready else RETRY_SECONDS

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _fetch(self) -> Sequence[PublicKey]:
        address = self._issuer.jwks_uri or await self._http.discover("jwks_uri")
        entries = (await self._http.get(address)).get("keys")
        if not isinstance(entries, list):
            raise IssuerUnavailableError("the key set holds no keys")
        keys = [key for key in map(_read_key, entries) if key is not None]
        if not keys:
            raise IssuerUnavailableError("the key set holds no key that may verify a signature")
        return keys


def is_for(key: PublicKey, algorithm: str) -> bool:
    """Whether the key's type, curve and own declaration let it verify by the algorithm.

    https://www.rfc-editor.org/rfc/rfc8725#section-3.1
    """
    if key.alg is not None:
        return bool(key.alg == algorithm)
    if isinstance(key, RSAKey):
        return algorithm[:2] in ("RS", "PS")
    if isinstance(key, ECKey):
        return _CURVES.get(algorithm) == key.curve_name
    return key.curve_name in _EDWARDS and algorithm in ("EdDSA", key.curve_name)


def _read_key(entry: Any) -> PublicKey | None:
    """A public key that may verify signatures; any other entry is passed over.

    A symmetric key in a published set is a key that everyone has, and so is a private one.
    """
    try:
        if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
            return None
        if len(entry.get("n", _LONG)) < len(_LONG):
            return None
        key = JWKRegistry.import_key(entry)
        weak = isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS
    except (JoseError, AttributeError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, PublicKey) and not weak and not key.is_private else None
