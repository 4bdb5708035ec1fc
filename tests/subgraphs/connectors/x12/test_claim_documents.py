"""Claims and their statuses, where the published files do not go; and files gone wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.connectors.errors import ProtocolViolation, UpstreamError
from subgraphs.connectors.x12.documents import read_documents
from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.settings import X12Source
from subgraphs.connectors.x12.status_inquiry import StatusInquiry, write_status_inquiry
from subgraphs.connectors.x12.writing import Envelope, Person
from tests.subgraphs.connectors.x12.payer import interchange
from tests.subgraphs.connectors.x12.test_remittance import BALANCED

CLAIM = [
    "BHT*0019*00*1*20260101*1200*CH",
    "HL*1**20*1",
    "NM1*85*2*CLINIC*****XX*1999999984",
    "HL*2*1*22*0",
    "SBR*P*18*GROUP******CI",
    "NM1*IL*1*DOE*JO****MI*M-1",
    "DMG*D8*19700102*F",
    "NM1*PR*2*PAYER*****PI*P-1",
    "CLM*A-1*100***11:B:7*Y*A*Y*Y",
    "REF*G1*AUTH-1",
    "REF*F8*OLD-1",
    "HI*ABK:E119*ABF:I10",
    "LX*1",
    "SV1*HC:99213:25*100*UN*1***1:2",
    "DTP*472*D8*20260102",
]


def claims(segments, guide="005010X222A1"):
    return read_documents(interchange([segments], kind="837", guide=guide))


def test_a_replacement_names_its_authorization_and_the_claim_it_replaces():
    (claim,) = claims(CLAIM)
    assert (claim.frequency, claim.authorization, claim.payer_claim) == ("7", "AUTH-1", "OLD-1")
    assert claim.group == "GROUP"
    assert [(each.use, each.code) for each in claim.diagnoses] == [("ABK", "E119"), ("ABF", "I10")]
    assert claim.patient is not None
    assert claim.patient.birth_date == date(1970, 1, 2)


def test_several_claims_of_one_patient():
    first, second = claims([*CLAIM, *(s.replace("A-1", "A-2") for s in CLAIM[8:])])
    assert (first.account, second.account) == ("A-1", "A-2")
    assert first.subscriber == second.subscriber
    assert len(first.lines) == len(second.lines) == 1


def test_an_institutions_line_may_have_no_procedure():
    lines = [
        segment.replace("SV1*HC:99213:25*100*UN*1***1:2", "SV2*0120**100*DA*2") for segment in CLAIM
    ]
    (claim,) = claims(lines, "005010X223A2")
    (line,) = claim.lines
    assert (line.revenue_code, line.procedure, line.unit) == ("0120", None, "DA")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("HL*2*1*22*0", "HL*2*9*22*0", id="inside a level that is not there"),
        pytest.param("SV1*HC", "SVX*HC", id="a line without a service"),
        pytest.param("*100*UN", "*DOE*UN", id="an amount that is none"),
    ],
)
def test_what_cannot_be_read(old, new):
    with pytest.raises(ProtocolViolation) as refused:
        claims([segment.replace(old, new) for segment in CLAIM])
    assert "DOE" not in str(refused.value)


SOURCE = X12Source(
    id="clearinghouse",
    title="Clearing House",
    url="https://x12.example/",
    serves=("coverage",),
    auth=None,
    payer="payer",
    sender_id="CHARTGRAPH",
    receiver_id="RECEIVER",
)
AT = Envelope(7, "R-1", datetime(2026, 1, 2, 12, tzinfo=UTC))


def test_a_status_inquiry_that_we_write_is_one_that_we_read():
    child = Person("Roe", "Kim", date(2010, 5, 6))
    inquiries = [
        StatusInquiry(
            "M-1",
            Person("Núñez", "Ana*", date(1970, 1, 2)),
            account="A-1",
            payer_claim="P-1",
            charged=Decimal("12.50"),
            dates=Dates(date(2026, 1, 1), date(2026, 1, 3)),
        ),
        StatusInquiry("M-2", Person("Roe", "Max"), dependent=child),
    ]
    assert all(each.is_askable for each in inquiries)
    first, second = read_documents(write_status_inquiry(SOURCE, AT, inquiries))
    assert (first.trace, first.account, first.payer_claim) == ("R-1-1", "A-1", "P-1")
    assert (first.charged, first.dates) == (Decimal("12.50"), inquiries[0].dates)
    assert (first.patient.name, first.patient.given) == ("NUNEZ", "ANA")
    assert first.patient.birth_date == date(1970, 1, 2)
    assert (second.trace, second.subscriber.id, second.patient.given) == ("R-1-2", "M-2", "KIM")


def test_an_account_that_would_break_the_envelope_is_not_asked_about():
    assert not StatusInquiry("M-1", Person("Roe", "Max"), account="A~SE*1").is_askable
    assert not StatusInquiry("", Person("Roe", "Max")).is_askable


WHOLE = [
    interchange([CLAIM], kind="837", guide="005010X222A1"),
    interchange([BALANCED], kind="835", guide="005010X221A1"),
    write_status_inquiry(SOURCE, AT, [StatusInquiry("M-1", Person("Roe", "Max"), account="A-1")]),
]


@given(st.sampled_from(WHOLE), st.integers(0, 2**16), st.integers(1, 9), st.binary(max_size=9))
def test_no_damage_gets_past_our_own_errors(content, place, cut, put):
    place %= len(content)
    damaged = content[:place] + put + content[place + cut :]
    told = ""
    try:
        read_documents(damaged)
    except UpstreamError as error:
        told = str(error)
    assert not {"ROE", "DOE", "M-1"} & set(told.replace("*", " ").split())
