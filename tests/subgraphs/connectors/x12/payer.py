"""Payers in memory: they read a 270 or 276 and answer with the 271 or 277 they were told to."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2

from subgraphs.connectors.x12.claim_status import ClaimStatus, read_claim_statuses
from subgraphs.connectors.x12.segments import read_interchange

CONTENT_TYPE = {"Content-Type": "application/edi-x12"}


class Payer:
    """`members` maps a member id to the segments about it; the others are not found."""

    def __init__(self, members: dict[str, list[str]]) -> None:
        self.members = members
        self.received: list[bytes] = []

    @property
    def network(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.received.append(request.content)
        return httpx2.Response(200, content=self.answer_to(request.content), headers=CONTENT_TYPE)

    def answer_to(self, inquiry: bytes) -> bytes:
        bodies = []
        for asked in read_interchange(inquiry):
            reference = next(s.element(3) for s in asked.body if s.name == "BHT")
            body = [f"BHT*0022*11*{reference}*20260101*1200", "HL*1**20*1", "HL*2*1*21*1"]
            for number, loop in enumerate(_member_loops(asked.body), start=3):
                body += [f"HL*{number}*2*22*0", *loop, *self._about(loop)]
            bodies.append(body)
        return interchange(bodies)

    def _about(self, loop: Sequence[str]) -> list[str]:
        member_id = loop[1].rpartition("*")[2]
        return self.members.get(member_id, ["AAA*N**75*C"])


class StatusPayer:
    """`said` maps an account to the STC about its claim; the others are not found."""

    def __init__(self, said: dict[str, str], *, member: str | None = None) -> None:
        self.received: list[bytes] = []
        self.said = said
        self._member = member

    @property
    def network(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    @property
    def asked(self) -> list[ClaimStatus]:
        sets = (each for content in self.received for each in read_interchange(content))
        return [claim for each in sets for claim in read_claim_statuses(each)]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.received.append(request.content)
        (asked,) = read_interchange(request.content)
        body = ["BHT*0010*08*R*20260101*1200*DG", "HL*1**20*1", "HL*2*1*21*1", "HL*3*2*19*1"]
        for level, each in enumerate(read_claim_statuses(asked), 4):
            member = self._member or each.subscriber.id
            body += [f"HL*{level}*3*22*0", f"NM1*IL*1*LOVELACE*ADA****MI*{member}"]
            body += [f"TRN*2*{each.trace}", f"STC*{self.said.get(each.account, 'A4:35')}"]
        content = interchange([body], kind="277", guide="005010X212")
        return httpx2.Response(200, content=content, headers=CONTENT_TYPE)


def interchange(
    bodies: Sequence[Sequence[str]], *, kind: str = "271", guide: str = "005010X279A1"
) -> bytes:
    partners = f"ZZ*{'PAYER':15}*ZZ*{'CG':15}"
    isa = f"ISA*00*{'':10}*00*{'':10}*{partners}*260101*1200*^*00501*000000007*0*P*:"
    segments = [isa, f"GS*HB*PAYER*CG*20260101*1200*7*X*{guide}"]
    for number, body in enumerate(bodies, start=1):
        segments += [f"ST*{kind}*{number:04d}*{guide}", *body]
        segments.append(f"SE*{len(body) + 2}*{number:04d}")
    segments += [f"GE*{len(bodies)}*7", "IEA*1*000000007"]
    return "".join(f"{segment}~\r\n" for segment in segments).encode()


def _member_loops(body) -> list[list[str]]:
    loops: list[list[str]] = []
    for segment in body:
        if segment.name == "HL":
            loops.append([])
        elif segment.name == "TRN":
            loops[-1].append(f"TRN*2*{segment.element(2)}*{segment.element(3)}")
        elif segment.name == "NM1" and segment.element(1) == "IL":
            loops[-1].append("*".join(["NM1", *segment.elements]))
    return [loop for loop in loops if loop]
