"""What makes two goals or two devices one; a plan is a document of the source that made it."""

from __future__ import annotations

from collections.abc import Iterable

from subgraphs.records.kinds.details import code_of, moment
from subgraphs.records.model import ENTERED_IN_ERROR, CarePlan, Device, Goal
from subgraphs.runtime.fhir import CodeableConcept, Reference, canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.moments import apart_on_a_day, day_of
from subgraphs.runtime.scalars import rank


def _same_goal(goal: Goal) -> object:
    code, day = canonical_code(goal.description), day_of(goal.start_date)
    return (code, day) if code and day else None


def _same_device(device: Device) -> object:
    """One article: its whole UDI, or the kind of article and its number."""
    whole = next((udi.carrier_hrf for udi in device.udi_carrier if udi.carrier_hrf), None)
    kind = next((udi.device_identifier for udi in device.udi_carrier), None)
    return whole or ((kind, device.serial_number) if kind and device.serial_number else None)


def _names(references: Iterable[Reference | None]) -> frozenset[str]:
    return frozenset[str]().union(*(words(ref.display) for ref in references if ref))


def _plan_mentions(plan: CarePlan) -> frozenset[str]:
    details = [activity.detail for activity in plan.activity if activity.detail]
    texts = [plan.title, plan.description, plan.text.div if plan.text else None]
    texts += [detail.description for detail in details]
    texts += [note.text for note in plan.note]
    named = mentions_of(*plan.category, *(detail.code for detail in details))
    return named.union(_names(plan.addresses), _names(plan.goal), *map(words, texts))


def _goal_mentions(goal: Goal) -> frozenset[str]:
    concepts: list[CodeableConcept | None] = [goal.description, *goal.category]
    concepts += [each for t in goal.target for each in (t.measure, t.detail_codeable_concept)]
    texts = [note.text for note in goal.note]
    return mentions_of(*concepts).union(_names(goal.addresses), *map(words, texts))


CARE_PLANS: Kind[CarePlan] = Kind(
    type="CarePlan",
    rank=lambda plan: rank(plan.began),
    same=lambda _: None,
    tokens=lambda plan: {"category": tokens(plan.category), "status": {plan.status or ""}},
    retracted=lambda plan: plan.status == ENTERED_IN_ERROR,
    mentions=_plan_mentions,
)
GOALS: Kind[Goal] = Kind(
    type="Goal",
    rank=lambda goal: rank(goal.start_date or goal.status_date),
    same=_same_goal,
    distance=lambda one, other: apart_on_a_day(one.start_date, other.start_date),
    details=(
        Detail("lifecycleStatus", lambda g: g.lifecycle_status),
        Detail("achievementStatus", lambda g: code_of(g.achievement_status)),
        moment("targets.dueDate", lambda g: next((t.due_date for t in g.target), None)),
    ),
    weight=lambda goal: (goal.lifecycle_status == "active", bool(goal.target)),
    tokens=lambda goal: {
        "category": tokens(goal.category),
        "description": tokens([goal.description]),
        "lifecycle-status": {goal.lifecycle_status or ""},
    },
    retracted=lambda goal: goal.lifecycle_status == ENTERED_IN_ERROR,
    subject=lambda goal: subjects(goal.description),
    mentions=_goal_mentions,
)
DEVICES: Kind[Device] = Kind(
    type="Device",
    rank=lambda device: rank(device.manufacture_date or device.meta.last_updated),
    same=_same_device,
    details=(
        Detail("status", lambda d: d.status),
        Detail("serialNumber", lambda d: d.serial_number),
        moment("expirationDate", lambda d: d.expiration_date),
    ),
    weight=lambda device: (device.status == "active",),
    tokens=lambda device: {"type": tokens([device.type]), "status": {device.status or ""}},
    retracted=lambda device: device.status == ENTERED_IN_ERROR,
    mentions=lambda device: mentions_of(device.type).union(
        *(words(name.name) for name in device.device_name)
    ),
)
