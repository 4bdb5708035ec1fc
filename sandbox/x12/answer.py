"""The 271 to a 270 (005010X279A1): benefits of each member asked about, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sandbox.data.payer import COPAY, DEDUCTIBLE, OUT_OF_POCKET_LIMIT, PLAN_NAME, Member
from sandbox.x12.inquiry import GENERAL_COVERAGE, Inquiry, Level, element, read_inquiry
from sandbox.x12.interchange import (
    Interchange,
    Segment,
    TransactionSet,
    answer_envelopes,
    dollars,
)

# AAA03, why an inquiry was refused
_MISSING_MEMBER_ID = "72"
_BIRTH_DATE_DIFFERS = "71"
_SUBSCRIBER_NOT_FOUND = "75"
_PATIENT_NOT_FOUND = "67"
# AAA of the payer itself: 42, unable to respond at the current time; ask again.
_NOT_NOW = ("AAA", "Y", "", "42", "R")

# EB01, what the segment tells
_ACTIVE, _COINSURANCE, _COPAY, _DEDUCTIBLE = "1", "A", "B", "C"
_INACTIVE, _OUT_OF_POCKET, _NOT_COVERED = "6", "G", "I"
# EB06, the time it is about
_CALENDAR_YEAR, _VISIT, _REMAINING = "23", "27", "29"

_COVERED = frozenset({GENERAL_COVERAGE, "1", "33", "47", "48", "50", "86", "98", "MH", "UC"})
_VERSION = "005010X279A1"


def answer_interchange(
    asked: Interchange, members: Mapping[str, Member], now: datetime, *, is_down: bool = False
) -> Interchange:
    """A payer that is down says so, and nothing of any member.

    Raises MalformedInterchangeError.
    """

    def answer(each: TransactionSet) -> list[Segment]:
        inquiry = read_inquiry(each, asked.delimiters)
        begin = ("BHT", "0022", "11", inquiry.reference, f"{now:%Y%m%d}", f"{now:%H%M}")
        if is_down:
            payer = inquiry.levels[0]
            return [begin, ("HL", payer.id, "", payer.code, "0"), payer.name, _NOT_NOW]
        answers = (_answer_level(level, inquiry, members) for level in inquiry.levels)
        return [begin, *(segment for each in answers for segment in each)]

    return answer_envelopes(asked, ("HB", "271", _VERSION), answer, now)


def _answer_level(level: Level, inquiry: Inquiry, members: Mapping[str, Member]) -> list[Segment]:
    has_children = any(other.parent == level.id for other in inquiry.levels)
    hierarchy = ("HL", level.id, level.parent, level.code, "1" if has_children else "0")
    if level.is_payer or level.is_provider:
        return [hierarchy, level.name]
    traces = [("TRN", "2", *trace[2:]) for trace in level.traces]
    return [hierarchy, *traces, *_answer_member(level, members, asked=not has_children)]


def _answer_member(level: Level, members: Mapping[str, Member], *, asked: bool) -> list[Segment]:
    """A subscriber named only for the sake of a dependent is not `asked` about."""
    if level.is_dependent:
        # Every member of this payer is their own subscriber.
        return [level.name, _refusal(_PATIENT_NOT_FOUND)]
    if not level.member_id:
        return [level.name, _refusal(_MISSING_MEMBER_ID)]
    member = members.get(level.member_id)
    if member is None:
        return [level.name, _refusal(_SUBSCRIBER_NOT_FOUND)]
    if level.birth_date not in (None, f"{member.birth_date:%Y%m%d}"):
        return [level.name, _refusal(_BIRTH_DATE_DIFFERS)]
    if not asked and not level.service_types:
        return _who(member, level)
    plan = [("DTP", "346", "D8", f"{member.since:%Y%m%d}")]
    if member.until is not None:
        plan.append(("DTP", "347", "D8", f"{member.until:%Y%m%d}"))
    wanted = dict.fromkeys(level.service_types or [GENERAL_COVERAGE])
    benefits = [segment for type_ in wanted for segment in _benefits(member, type_)]
    return [*_who(member, level), *plan, *benefits]


def _who(member: Member, level: Level) -> list[Segment]:
    gender = member.gender[0].upper()
    family, given = member.family.upper(), member.given.upper()
    return [
        ("NM1", "IL", "1", family, given, "", "", "", "MI", element(level.name, 9)),
        ("N3", member.street.upper()),
        ("N4", member.city.upper(), member.state, member.zip),
        ("DMG", "D8", f"{member.birth_date:%Y%m%d}", gender),
    ]


def _refusal(reason: str) -> Segment:
    """AAA04 `C`: correct it and ask again."""
    return ("AAA", "N", "", reason, "C")


def _benefits(member: Member, service_type: str) -> list[Segment]:
    if not member.active:
        return [("EB", _INACTIVE, "", service_type)]
    if service_type not in _COVERED:
        return [("EB", _NOT_COVERED, "", service_type)]
    met = member.met
    return [
        ("EB", _ACTIVE, "IND", service_type, "PR", PLAN_NAME.upper()),
        _amount(_DEDUCTIBLE, service_type, _CALENDAR_YEAR, DEDUCTIBLE),
        _amount(_DEDUCTIBLE, service_type, _REMAINING, DEDUCTIBLE - met.deductible_met),
        _amount(_OUT_OF_POCKET, service_type, _CALENDAR_YEAR, OUT_OF_POCKET_LIMIT),
        _amount(
            _OUT_OF_POCKET, service_type, _REMAINING, OUT_OF_POCKET_LIMIT - met.out_of_pocket_met
        ),
        _amount(_COPAY, service_type, _VISIT, COPAY),
        ("EB", _COINSURANCE, "IND", service_type, "", "", "", "", "0.2", "", "", "", "Y"),
    ]


def _amount(what: str, service_type: str, period: str, cents: int) -> Segment:
    """EB12 `Y`: within the network."""
    return ("EB", what, "IND", service_type, "", "", period, dollars(cents), "", "", "", "", "Y")
