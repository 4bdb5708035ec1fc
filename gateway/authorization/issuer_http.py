"""What is asked of an issuer, so that whatever it says harms nobody.

No redirect is followed, answers are small and JSON, and an address that its discovery document
names is on its own host: a document cannot make us call our own network.
https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.authorization.strict_json import read_object
from gateway.settings import LOOPBACK

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024
_OK = 200


class IssuerUnavailableError(Exception):
    """The issuer does not say what we have to know; the message tells why, for the log."""


class IssuerSilentError(IssuerUnavailableError):
    """It cannot be reached, or takes too long: to ask again at once would only wait again."""


class IssuerHttp:
    def __init__(self, issuer: str, http: aiohttp.ClientSession) -> None:
        self.issuer = issuer
        self._http = http
        self._host = urlsplit(issuer).hostname

    async def discover(self, member: str) -> str:
        """An address the issuer's configuration names."""
        base = self.issuer.rstrip("/")
        document = await self.get(f"{base}/.well-known/openid-configuration")
        # https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
        if document.get("issuer") != self.issuer:
            raise IssuerUnavailableError("the discovery document is not this issuer's")
        address = document.get(member)
        if not isinstance(address, str):
            raise IssuerUnavailableError(f"the discovery document names no {member}")
        if _hostname(address) != self._host:
            raise IssuerUnavailableError(
                f"the discovery document's {member} is on another host; if it is right, set it"
            )
        return address

    async def get(self, url: str) -> dict[str, Any]:
        return await self._ask("GET", url)

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        return await self._ask("POST", url, data=form, headers=headers)

    async def _ask(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        self._check(url)
        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            **given.pop("headers", {}),
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.request(
                    method, url, headers=headers, allow_redirects=False, **given
                ) as response,
            ):
                if response.status != _OK:
                    raise IssuerUnavailableError(f"answered with status {response.status}")
                body = await _read(response)
        except TimeoutError:
            raise IssuerSilentError("gave no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise IssuerSilentError(f"cannot be asked: {type(error).__name__}") from None
        try:
            return read_object(body)
        except ValueError:
            raise IssuerUnavailableError("the answer is not a JSON object") from None

    def _check(self, url: str) -> None:
        local = self._host in LOOPBACK and _hostname(url) in LOOPBACK
        if urlsplit(url).scheme != "https" and not local:
            raise IssuerUnavailableError("an issuer is only asked over TLS")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise IssuerUnavailableError("the answer is too large")
    return bytes(body)


def _hostname(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return None if "@" in parts.netloc else parts.hostname
