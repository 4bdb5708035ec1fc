"""Money that does not come out is told beside what was read."""

from decimal import Decimal

import pytest

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.documents import read_documents
from tests.subgraphs.connectors.x12.payer import interchange

BALANCED = [
    "BPR*I*87.5*C*ACH*CCP*01*999*DA*1*1*1*01*999*DA*2*20260105",
    "TRN*1*T-1*1",
    "N1*PR*PAYER",
    "N1*PE*CLINIC*XX*1999999984",
    "LX*1",
    "CLP*A-1*1*100*70*20*12*P-1",
    "CAS*CO*45*10",
    "NM1*QC*1*DOE*JO",
    "SVC*HC:99213:25*60*45**1",
    "DTM*472*20260102",
    "CAS*PR*1*10**3*5",
    "SVC*HC:99000*40*35**1",
    "CAS*PR*2*5*1",
    "CLP*A-2*22*-30*-30**12*P-2",
    "PLB*1999999984*20261231*WO:P-0*-50*L6*2.5",
]


def read(segments=BALANCED):
    (remittance,) = read_documents(interchange([segments], kind="835", guide="005010X221A1"))
    return remittance


def test_claims_services_and_the_providers_adjustments():
    remittance = read()
    first, second = remittance.claims
    assert (remittance.amount, str(remittance.paid_on)) == (Decimal("87.5"), "2026-01-05")
    assert [each.reason for each in first.adjustments] == ["45"]
    assert first.services[0].procedure.modifiers == ("25",)
    assert [each.amount for each in first.services[0].adjustments] == [10, 5]
    assert first.services[1].adjustments[0].quantity == 1
    assert second.is_reversal
    assert second.paid == -30
    told = [(each.reason, each.reference, each.amount) for each in remittance.adjustments]
    assert told == [("WO", "P-0", -50), ("L6", "", Decimal("2.5"))]


def test_amounts_are_exact():
    tenths = [line.replace("87.5", "87.500000000000000001") for line in BALANCED]
    assert str(read(tenths).amount) == "87.500000000000000001"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("CAS*PR*1*10**3*5", "CAS*PR*1*10", ["claim 1, service 1:", "claim 1:"]),
        ("CAS*CO*45*10", "CAS*CO*45*11", ["claim 1:"]),
        ("SVC*HC:99000*40*35", "SVC*HC:99000*41*36", ["claim 1: the services"]),
        ("L6*2.5", "L6*2.51", ["the claims' payments less"]),
        ("-30*-30", "-30*-31", ["claim 2:", "the claims' payments less"]),
    ],
)
def test_what_does_not_balance(old, new, told):
    found = read([line.replace(old, new) for line in BALANCED]).imbalances
    assert len(found) == len(told)
    assert all(each.startswith(start) for each, start in zip(found, told, strict=True))


def test_this_one_balances():
    assert read().imbalances == ()
    assert read().unreadable == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("BPR*I", "BXX*I"), ("CLP*A-1*1*100", "CLP*A-1*1*1E2"), ("WO:P-0*-50", "WO:P-0*fifty")],
)
def test_what_cannot_be_read_is_refused_and_not_quoted(old, new):
    with pytest.raises(ProtocolViolation) as refused:
        read([line.replace(old, new) for line in BALANCED])
    assert "DOE" not in str(refused.value)
    assert "fifty" not in str(refused.value)


def test_a_day_that_is_none_loses_no_money():
    remittance = read([line.replace("20260105", "20261350") for line in BALANCED])
    assert remittance.paid_on is None
    assert remittance.unreadable == ("BPR16",)
    assert remittance.imbalances == ()
