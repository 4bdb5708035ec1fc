"""Eligibility in CORE envelopes, against a portal in memory; and what such portals do wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from xml.sax.saxutils import escape

import httpx2
import pytest
from lxml import etree

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Scripted
from sandbox.core.server import CoreServer
from sandbox.faults import Faults, Outage
from sandbox.httpserver import Request
from sandbox.x12.desk import Desk
from subgraphs.connectors.config import ConfigError, UsernameToken
from subgraphs.connectors.core.client import CoreClient
from subgraphs.connectors.core.exchange import EnvelopeError
from subgraphs.connectors.errors import (
    ProtocolViolation,
    Refused,
    Rejected,
    Unavailable,
    UpstreamError,
)
from subgraphs.connectors.transport import open_client
from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.connectors.x12.inquiry import Inquiry
from subgraphs.connectors.x12.settings import CoreSource
from subgraphs.connectors.x12.status_inquiry import StatusInquiry
from subgraphs.connectors.x12.writing import Person
from tests.sandbox.conftest import ADA as MEMBER
from tests.subgraphs.connectors.x12.payer import Payer, interchange

SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}
CORE = "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
X271 = "X12_271_Response_005010X279A1"
ADA = Person("Lovelace", "Ada")
SOURCE = CoreSource(
    id="portal",
    url="https://portal.example/core",
    serves=("coverage",),
    payer="payer",
    sender_id="CHARTGRAPH",
    receiver_id="MEADOWMUTUAL",
)


def message(body: str, status: int = 200) -> httpx2.Response:
    text = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'
    return httpx2.Response(status, content=text.encode(), headers=SOAP)


def answer(payload: str, kind: str = X271, code: str = "Success", said: str = "") -> str:
    fields = {
        "PayloadType": kind,
        "ProcessingMode": "RealTime",
        "PayloadID": "1",
        "TimeStamp": "2026-01-01T00:00:00Z",
        "SenderID": "MEADOWMUTUAL",
        "ReceiverID": "CHARTGRAPH",
        "CORERuleVersion": "2.2.0",
        "Payload": payload,
        "ErrorCode": code,
        "ErrorMessage": said,
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    tag = "c:COREEnvelopeRealTimeResponse"
    return f'<{tag} xmlns:c="{CORE}">{inner}</{tag}>'


def fault(code: str, subcode: str = "") -> str:
    value = f'<s:Value xmlns:w="{WSSE}">w:{subcode}</s:Value>'
    sub = f"<s:Subcode>{value}</s:Subcode>" if subcode else ""
    said = f'<s:Reason><s:Text xml:lang="en">{PHI}</s:Text></s:Reason>'
    return f"<s:Fault><s:Code><s:Value>s:{code}</s:Value>{sub}</s:Code>{said}</s:Fault>"


def client(network: httpx2.AsyncBaseTransport, config: CoreSource = SOURCE) -> CoreClient:
    return CoreClient(config, open_client(config, network=network))


class TestTheContract(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        body = ["BHT*0022*11**20260101*1200", "HL*1**20*1", "HL*2*1*21*1", f"NM1*IL*1*{PHI}"]
        return message(answer(interchange([body]).decode()))

    async def ask(self, client):
        await CoreClient(SOURCE, client).inquire([Inquiry("ABC123", person=ADA)])
        return True


class Portal:
    """The payer in memory, in envelopes."""

    def __init__(self, members: dict[str, list[str]]) -> None:
        self.payer = Payer(members)
        self.received: list[etree._Element] = []

    @property
    def network(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.received.append(etree.fromstring(request.content))
        payload = self.received[-1].findtext(".//Payload").encode()
        return message(answer(self.payer.answer_to(payload).decode()))


async def test_answers_as_a_clearinghouse_without_envelopes_does():
    portal = Portal({f"M{n}": ["EB*1**30", f"EB*C*IND*30***23*{n}.50"] for n in range(120)})
    inquiries = [Inquiry(f"M{n}") for n in range(120)]
    unknown = Inquiry("M999")
    found = await client(portal.network).inquire([*inquiries, unknown])
    assert [found[i].deductible.total for i in inquiries] == [
        Decimal(f"{n}.50") for n in range(120)
    ]
    assert found[unknown] == Eligibility(rejections=("75",), follow_ups=("C",))
    (envelope,) = portal.received
    told = {child.tag: child.text for child in envelope.find(f".//{{{CORE}}}*/..")[0]}
    assert told["PayloadType"] == "X12_270_Request_005010X279A1"
    assert (told["SenderID"], told["ReceiverID"]) == ("CHARTGRAPH", "MEADOWMUTUAL")
    assert (told["ProcessingMode"], told["CORERuleVersion"]) == ("RealTime", "2.2.0")
    assert len(told["PayloadID"]) == 36


async def test_shows_who_we_are_by_a_token_from_a_file(tmp_path):
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    fields = {name: getattr(SOURCE, name) for name in SOURCE.__struct_fields__}
    token = UsernameToken(username="us", password_file=file)
    portal = Portal({"M1": ["EB*1**30"]})
    config = CoreSource(**{**fields, "auth": token})
    await client(portal.network, config).inquire([Inquiry("M1")])
    (envelope,) = portal.received
    assert envelope.findtext(f".//{{{WSSE}}}Username") == "us"
    assert envelope.findtext(f".//{{{WSSE}}}Password") == "s3cret"
    file.unlink()
    with pytest.raises(ConfigError, match="no readable password"):
        client(portal.network, config)


@pytest.mark.parametrize(
    ("code", "subcode", "status", "error"),
    [
        ("Sender", "", 400, Rejected),
        ("Sender", "", 500, Rejected),
        ("Receiver", "", 500, Unavailable),
        ("Receiver", "", 200, Unavailable),
        ("Sender", "FailedAuthentication", 500, Refused),
        ("Sender", "InvalidSecurity", 400, Refused),
        ("MustUnderstand", "", 500, Refused),
        (PHI, "", 500, ProtocolViolation),
    ],
)
async def test_a_fault_tells_whose_it_is(code, subcode, status, error):
    network = Scripted([message(fault(code, subcode), status)])
    with pytest.raises(error) as raised:
        await client(network).inquire([Inquiry("M1")])
    assert PHI not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("PayloadTypeIllegal", EnvelopeError),
        ("CORERuleVersionRequired", EnvelopeError),
        ("VersionMismatch", EnvelopeError),
        ("UnAuthorized", Refused),
        ("SenderIDIllegal", Refused),
        (PHI, ProtocolViolation),
        ("", ProtocolViolation),
    ],
)
async def test_an_error_code_in_the_envelope(code, error):
    network = Scripted([message(answer("", "CoreEnvelopeError", code, PHI))])
    with pytest.raises(error) as raised:
        await client(network).inquire([Inquiry("M1")])
    assert PHI not in str(raised.value)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "content",
    [
        f"{LAUGHS}<s:Envelope xmlns:s='{ENVELOPE}'><s:Body>&b;</s:Body></s:Envelope>",
        f"{EXTERNAL}<s:Envelope xmlns:s='{ENVELOPE}'><s:Body>&x;</s:Body></s:Envelope>",
        '<!DOCTYPE l SYSTEM "http://elsewhere.invalid/l.dtd"><l/>',
        f"<{PHI}/>",
        f"{PHI}",
        "",
        f"<s:Envelope xmlns:s='{ENVELOPE}'/>",
        f"<s:Envelope xmlns:s='{ENVELOPE}'><s:Body/></s:Envelope>",
        f"<s:Envelope xmlns:s='{ENVELOPE}'><s:Body><{PHI}/></s:Body></s:Envelope>",
        "<a>" * 100 + "</a>" * 100,
    ],
)
@pytest.mark.parametrize("status", [200, 500])
async def test_what_is_no_answer_is_refused_and_not_quoted(content, status):
    network = Scripted([httpx2.Response(status, content=content.encode(), headers=SOAP)])
    with pytest.raises(UpstreamError) as raised:
        await client(network).inquire([Inquiry("M1")])
    assert PHI not in str(raised.value)
    assert "passwd" not in str(raised.value)
    assert all(r.url == "https://portal.example/core" for r in network.requests)


@pytest.mark.parametrize(
    "body",
    [
        answer("ISA", "X12_999_Response_005010X231A1"),
        answer(""),
        answer("Núñez"),
        answer("no X12 at all"),
    ],
)
async def test_an_envelope_without_an_answer(body):
    with pytest.raises(ProtocolViolation):
        await client(Scripted([message(body)])).inquire([Inquiry("M1")])


async def test_the_status_of_claims_comes_the_same_way():
    def respond(request: httpx2.Request) -> httpx2.Response:
        root = etree.fromstring(request.content)
        assert root.findtext(".//PayloadType") == "X12_276_Request_005010X212"
        asked = root.findtext(".//Payload")
        traces = [part.split("*")[2] for part in asked.split("~") if part.startswith("TRN*1*")]
        body = ["BHT*0010*08*R*20260101*1200*DG", "HL*1**20*1", "HL*2*1*21*1", "HL*3*2*19*1"]
        for number, trace in enumerate(traces, start=4):
            member = "M1" if number == 4 else "SOMEBODY"
            body += [f"HL*{number}*3*22*0", f"NM1*IL*1*LOVELACE*ADA****MI*{member}"]
            body += [f"TRN*2*{trace}", "STC*F1:65*20260102**100*80"]
        content = interchange([body], kind="277", guide="005010X212").decode()
        return message(answer(content, "X12_277_Response_005010X212"))

    first, second = (StatusInquiry(m, ADA, account=m) for m in ("M1", "M2"))
    found = await client(httpx2.MockTransport(respond)).statuses([first, second])
    assert list(found) == [first], "an answer about somebody else is not believed"
    ((status,),) = found.values()
    assert status.statuses[0].codes[0].category == "F1"
    assert status.statuses[0].paid == Decimal(80)
    assert await client(Scripted([])).statuses([]) == {}


class Sandboxed(httpx2.AsyncBaseTransport):
    """The sandbox's own portal, without its port."""

    def __init__(self, password: str = "open") -> None:
        self.faults = Faults()
        desk = Desk([MEMBER], [], datetime(2026, 11, 22, tzinfo=UTC))
        self._server = CoreServer(desk, password, lambda: self.faults)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, request.url.path, "", headers, request.content)
        got = await self._server.respond(asked)
        return httpx2.Response(
            got.status, content=got.body, headers={"Content-Type": got.content_type}
        )


@pytest.mark.parametrize(
    ("outage", "error"),
    [
        (Outage.SOAP_FAULT, Unavailable),
        (Outage.DOCTYPE, ProtocolViolation),
        (Outage.CORE_ERROR, EnvelopeError),
    ],
)
async def test_the_sandbox_s_portal_answers_and_misbehaves(tmp_path, outage, error):
    file = tmp_path / "password"
    file.write_text("open")
    fields = {name: getattr(SOURCE, name) for name in SOURCE.__struct_fields__}
    token = UsernameToken(username="chartgraph", password_file=file)
    config = CoreSource(**{**fields, "auth": token})
    portal = Sandboxed()
    inquiry = Inquiry(MEMBER.member_id, "98")
    found = await client(portal, config).inquire([inquiry])
    assert found[inquiry].active is True
    assert found[inquiry].copay == Decimal("25.00")
    portal.faults = Faults(outage=outage)
    with pytest.raises(error):
        await client(portal, config).inquire([inquiry])
    with pytest.raises(Refused):
        await client(Sandboxed("another"), config).inquire([inquiry])
