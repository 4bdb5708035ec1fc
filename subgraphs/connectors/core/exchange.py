"""One X12 interchange in a CORE envelope in a SOAP 1.2 message, and the one that answers it.

The description of the service (WSDL) is a file of ours; nothing is fetched but the answer, and that
is parsed without a document type or entities before SOAP is looked for in it. What is said in
words, by whomever, is not repeated: it may hold PHI.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final
from uuid import uuid4

import httpx2

from subgraphs.connectors.config import ConfigError, UsernameToken
from subgraphs.connectors.errors import (
    ProtocolViolation,
    Refused,
    Rejected,
    Unavailable,
    UpstreamError,
)
from subgraphs.connectors.safe_xml import parse_safely
from subgraphs.connectors.x12.settings import CoreSource

RULE: Final = "2.2.0"
_WSDL: Final = "core.wsdl"
_OPERATION: Final = "RealTimeTransaction"
# https://www.caqh.org/core: error codes are made of a field's name and what is wrong with it.
_CODE: Final = re.compile(r"[A-Z][A-Za-z]{1,39}(Illegal|Required|NotUnderstood)")
_CODES: Final = frozenset({"VersionMismatch", "NotSupported", "ChecksumMismatched"})
_NOT_US: Final = frozenset({"UnAuthorized", "SenderIDIllegal", "SenderIDRequired"})
_SECURITY: Final = "wss-wssecurity-secext"

# Its DEBUG lines hold whole envelopes.
logging.getLogger("zeep").setLevel(logging.WARNING)


class EnvelopeError(Rejected):
    """The clearinghouse declined the envelope; `code` is CORE's, of its fixed list."""

    def __init__(self, code: str) -> None:
        super().__init__(200, ())
        self.code = code
        self.args = (f"the source declined the envelope ({code})",)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A kind of payload and of what answers it."""

    request: str
    response: str


ELIGIBILITY: Final = Transaction("X12_270_Request_005010X279A1", "X12_271_Response_005010X279A1")
CLAIM_STATUS: Final = Transaction("X12_276_Request_005010X212", "X12_277_Response_005010X212")


class CoreExchange:
    """One per clearinghouse; `client` comes from `open_client`."""

    def __init__(
        self,
        config: CoreSource,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._now = now
        self._soap = _open_soap(config, client)

    async def exchange(self, transaction: Transaction, payload: bytes) -> bytes:
        """The interchange that answers this one."""
        config = self._config
        answer = await self._call(
            PayloadType=transaction.request,
            ProcessingMode="RealTime",
            PayloadID=str(uuid4()),
            TimeStamp=f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
            SenderID=config.sender_id,
            ReceiverID=config.receiver_id,
            CORERuleVersion=RULE,
            Payload=payload.decode("ascii"),
        )
        _check(str(answer.ErrorCode))
        if answer.PayloadType != transaction.response or not answer.Payload:
            raise ProtocolViolation("the envelope holds no answer to what was asked")
        try:
            return str(answer.Payload).strip().encode("ascii")
        except UnicodeEncodeError:
            raise ProtocolViolation("the envelope holds no X12") from None

    async def _call(self, **fields: str) -> Any:
        from zeep.exceptions import Error, Fault  # noqa: PLC0415 - as in `_open_soap`

        try:
            return await self._soap.service[_OPERATION](**fields)
        except UpstreamError:
            raise
        except Fault as fault:
            raise _of_fault(str(fault.code), [str(each) for each in fault.subcodes or ()]) from None
        except (Error, ValueError, TypeError, AttributeError, LookupError):
            # Whatever zeep stumbles over, it quotes.
            raise ProtocolViolation("the answer is not the SOAP message expected") from None


class _Transport:
    """What zeep sends through: the source's own client, with all that it does about a call."""

    def __init__(self, url: str, client: httpx2.AsyncClient) -> None:
        self._url = url
        self._client = client

    def load(self, name: str) -> bytes:
        if not name.endswith(_WSDL):
            raise AssertionError("the description refers to nothing else")
        return files("subgraphs.connectors.core").joinpath(_WSDL).read_bytes()

    async def post_xml(self, _: str, envelope: Any, headers: Mapping[str, str]) -> httpx2.Response:
        from lxml import etree  # noqa: PLC0415 - as in `_open_soap`

        answer = await self._client.post(
            self._url,
            content=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            headers=dict(headers),
            # Asking changes nothing at the payer.
            extensions={"idempotent": True},
        )
        parse_safely(answer.content)
        return answer


def _open_soap(config: CoreSource, client: httpx2.AsyncClient) -> Any:
    # It takes a third of a second to import: only those who have such a source wait for it.
    from zeep import AsyncClient, Settings  # noqa: PLC0415
    from zeep.wsse.username import UsernameToken as Token  # noqa: PLC0415

    auth = config.auth
    token = Token(auth.username, _password(auth)) if isinstance(auth, UsernameToken) else None
    settings = Settings(
        strict=True,
        forbid_dtd=True,
        forbid_entities=True,
        forbid_external=True,
        xml_huge_tree=False,
    )
    transport = _Transport(config.url, client)
    return AsyncClient(_WSDL, wsse=token, transport=transport, settings=settings)


def _password(auth: UsernameToken) -> str:
    try:
        return auth.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{auth.password_file}: holds no readable password") from None


def _check(code: str) -> None:
    if code == "Success":
        return
    if code in _NOT_US:
        raise Refused("the source does not accept us as the sender")
    if code in _CODES or _CODE.fullmatch(code):
        raise EnvelopeError(code)
    raise ProtocolViolation("the envelope has an error code that is none of CORE's")


def _of_fault(code: str, subcodes: list[str]) -> UpstreamError:
    """https://www.w3.org/TR/soap12-part1/#faultcodes"""
    if any(_SECURITY in each for each in subcodes) or "MustUnderstand" in code:
        return Refused("the source refused our credentials")
    match code.rpartition(":")[2]:
        case "Sender":
            return Rejected(400)
        case "Receiver":
            return Unavailable("the source says that it cannot answer")
    return ProtocolViolation("the source answered with a fault that SOAP does not know")
