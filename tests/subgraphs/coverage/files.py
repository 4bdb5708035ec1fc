"""X12 files of one provider and one payer, as a clearinghouse hands them in."""

from __future__ import annotations

from collections.abc import Sequence

from tests.subgraphs.connectors.x12.payer import interchange

PAYER_ID = "PAYER01"


def claim(
    account: str,
    *charges: str,
    member: str = "M-ada",
    given: str = "ADA",
    day: str = "20260203",
    frequency: str = "1",
    replaces: str = "",
    payer: str = PAYER_ID,
) -> list[str]:
    """The body of an 837P with one claim: a line of 99213 for each charge."""
    total = sum(map(_cents, charges))
    return [
        "BHT*0019*00*1*20260205*1023*CH",
        "HL*1**20*1",
        "NM1*85*2*LAKESIDE GENERAL*****XX*1999999984",
        "HL*2*1*22*0",
        "SBR*P*18*G1******CI",
        f"NM1*IL*1*LOVELACE*{given}****MI*{member}",
        "DMG*D8*19500102*F",
        f"NM1*PR*2*MEADOW*****PI*{payer}",
        f"CLM*{account}*{_dollars(total)}***11:B:{frequency}*Y*A*Y*Y",
        *([f"REF*F8*{replaces}"] if replaces else []),
        "HI*ABK:E119",
        *(
            segment
            for place, charge in enumerate(charges, 1)
            for segment in (
                f"LX*{place}",
                f"SV1*HC:99213:25*{charge}*UN*1***1",
                f"DTP*472*D8*{day}",
            )
        ),
    ]


def claims(*bodies: Sequence[str]) -> bytes:
    return interchange(bodies, kind="837", guide="005010X222A1")


def paid(
    account: str,
    charged: str,
    amount: str,
    *adjustments: str,
    owes: str = "0",
    number: str = "P-1",
    status: str = "1",
    member: str = "M-ada",
    given: str = "ADA",
    day: str = "20260203",
) -> list[str]:
    """One CLP loop with one service, whose adjustments are `CO*45*10`."""
    return [
        f"CLP*{account}*{status}*{charged}*{amount}*{owes}*12*{number}",
        f"NM1*QC*1*LOVELACE*{given}****MI*{member}",
        f"SVC*HC:99213:25*{charged}*{amount}**1",
        f"DTM*472*{day}",
        *(f"CAS*{each}" for each in adjustments),
    ]


def remittance(
    amount: str, *claims: Sequence[str], trace: str = "T-1", beside: Sequence[str] = ()
) -> bytes:
    body = [
        f"BPR*I*{amount}*C*ACH*CCP*01*999*DA*1*1*1*01*999*DA*2*20260212",
        f"TRN*1*{trace}*1842610001",
        f"N1*PR*MEADOW*XV*{PAYER_ID}",
        "N1*PE*LAKESIDE GENERAL*XX*1999999984",
        "LX*1",
        *(segment for each in claims for segment in each),
        *beside,
    ]
    return interchange([body], kind="835", guide="005010X221A1")


def status(account: str, number: str, code: str = "P3:317", member: str = "M-ada") -> bytes:
    body = [
        "BHT*0010*08*1*20260206*0810*DG",
        "HL*1**20*1",
        f"NM1*PR*2*MEADOW*****PI*{PAYER_ID}",
        "HL*2*1*21*1",
        "NM1*41*2*CHARTGRAPH*****46*CHARTGRAPH",
        "HL*3*2*19*1",
        "NM1*1P*2*LAKESIDE GENERAL*****XX*1999999984",
        "HL*4*3*22*0",
        f"NM1*IL*1*LOVELACE*ADA****MI*{member}",
        "TRN*2*T1",
        f"STC*{code}*20260206**380.60",
        f"REF*1K*{number}",
        f"REF*EJ*{account}",
        "DTP*472*D8*20260203",
    ]
    return interchange([body], kind="277", guide="005010X212")


def _cents(amount: str) -> int:
    whole, _, part = amount.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
