"""Inquiries (270) to put to an eligibility desk, and two members it knows."""

import asyncio
from datetime import date

from sandbox.data.payer import Accumulator, Member
from sandbox.httpserver import Request

ISA = (
    "ISA*00*          *00*          *ZZ*CHARTGRAPH     *ZZ*MEADOWMUTUAL   *261122*1147"
    "*^*00501*{:09d}*0*T*:"
)
ADA = Member(
    member_id="M000000001",
    family="Alder",
    given="Ada",
    gender="female",
    birth_date=date(1970, 5, 4),
    street="1 Maple Street",
    city="Dayton",
    state="OH",
    zip="45402",
    active=True,
    since=date(2023, 1, 1),
    until=None,
    met=Accumulator(deductible_met=400_25, out_of_pocket_met=475_25),
)
GONE = Member(
    **{
        **{name: getattr(ADA, name) for name in Member.__slots__},
        "member_id": "M000000002",
        "active": False,
        "until": date(2025, 12, 31),
    }
)


def subscriber(number, member, *more, trace=None):
    return [
        f"HL*{number}*2*22*0",
        f"TRN*1*{trace or f'T{number}'}*9CHARTGRAP",
        f"NM1*IL*1******MI*{member}",
        *more,
    ]


def inquiry(*loops, control=7, sets=None):
    """One interchange; `sets` instead of `loops` makes several transaction sets."""
    segments = [ISA.format(control), "GS*HS*CHARTGRAPH*MEADOWMUTUAL*20261122*1147*7*X*005010X279A1"]
    sets = sets or [loops]
    for number, members in enumerate(sets, start=1):
        body = [
            f"BHT*0022*13*REF{number}*20261122*1147",
            "HL*1**20*1",
            "NM1*PR*2*MEADOW MUTUAL*****PI*842610001",
            "HL*2*1*21*1",
            "NM1*1P*2*CHARTGRAPH*****XX*1999999984",
            *(segment for loop in members for segment in loop),
        ]
        segments += [f"ST*270*{number:04d}*005010X279A1", *body, f"SE*{len(body) + 2}*{number:04d}"]
    segments += [f"GE*{len(sets)}*7", f"IEA*1*{control:09d}"]
    return "".join(f"{segment}~" for segment in segments)


def post(eligibility, text, token="good", path="/x12"):
    headers = {"authorization": f"Bearer {token}"}
    return asyncio.run(eligibility.respond(Request("POST", path, "", headers, text.encode())))
