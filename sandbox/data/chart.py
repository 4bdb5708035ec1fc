"""What happened to a person, before anyone wrote it down: one chart, whoever records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.data.codes import (
    ALLERGIES,
    DIASTOLIC,
    LABS,
    PHQ9,
    PROBLEMS,
    SYSTOLIC,
    VACCINES,
    VITALS,
    Measure,
    Problem,
)
from sandbox.data.people import Person
from sandbox.data.seeds import stream
from sandbox.data.shapes import Coded

VISIT_LENGTH = timedelta(minutes=25)
LAB_DELAY = timedelta(hours=3)
HEALING = timedelta(days=12)
_ADULT = 18
_SCREENED_FROM = 40
# The patient persona has something in every corner of the graph.
_PERSONA_PROBLEMS = ("diabetes", "hypertension", "hyperlipidemia", "depression", "infection")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    name: str
    problem: Problem
    onset: datetime
    healed: datetime | None


@dataclass(frozen=True, slots=True)
class Visit:
    number: int
    start: datetime
    virtual: bool
    active: tuple[Diagnosis, ...]
    systolic: Decimal
    diastolic: Decimal
    vitals: Mapping[str, Decimal]
    labs: Mapping[str, Decimal]  # none drawn at most visits
    phq9: Decimal | None
    vaccine: Coded | None

    @property
    def sensitivity(self) -> str | None:
        """A visit at which a sensitive problem was first among the reasons is sensitive itself."""
        return self.active[0].problem.sensitivity if self.active else None


@dataclass(frozen=True, slots=True)
class Chart:
    person: Person
    diagnoses: tuple[Diagnosis, ...]
    allergy: tuple[Coded, str, str] | None
    visits: tuple[Visit, ...]  # oldest first


def make_chart(seed: int, person: Person, today: datetime) -> Chart:
    rng = stream(seed, "chart", person.number)
    diagnoses = _diagnoses(rng, person, today)
    allergic = person.number == 0 or rng.random() < 0.35  # noqa: PLR2004 - about a third
    allergy = rng.choice(ALLERGIES) if allergic else None
    height = rng.gauss(173 if person.gender == "male" else 161, 7) * min(
        1.0, 0.55 + person.age / 40
    )
    weight = max(18.0, rng.gauss(26, 4) * (height / 100) ** 2)
    count = 4 + len(diagnoses) + rng.randint(0, 3)
    starts = sorted(
        today
        - timedelta(days=rng.randint(4, 1100))
        + timedelta(minutes=rng.randrange(840, 1380, 15))
        for _ in range(count)
    )
    body = {"height": height, "weight": weight}
    lasting = tuple(diagnosis for diagnosis in diagnoses if diagnosis.healed is None)
    visits = [_visit(rng, n, start, person, lasting, body) for n, start in enumerate(starts)]
    return Chart(person, diagnoses, allergy, tuple(visits))


def _diagnoses(rng: Random, person: Person, today: datetime) -> tuple[Diagnosis, ...]:
    found = []
    for name, problem in PROBLEMS.items():
        prone = rng.random() < problem.share * min(1.6, person.age / 60)
        onset = today - timedelta(days=rng.randint(1150, 2600)) + timedelta(hours=15)
        chosen = name in _PERSONA_PROBLEMS if person.number == 0 else prone
        if chosen and person.age >= _ADULT:
            healed = onset + HEALING if problem.passing else None
            found.append(Diagnosis(name, problem, onset, healed))
    return tuple(found)


def _visit(
    rng: Random,
    number: int,
    start: datetime,
    person: Person,
    diagnoses: tuple[Diagnosis, ...],
    body: Mapping[str, float],
) -> Visit:
    # The reason for a visit rotates through the problems.
    turn = number % len(diagnoses) if diagnoses else 0
    active = diagnoses[turn:] + diagnoses[:turn]
    shifts: dict[str, float] = {}
    for diagnosis in active:
        for measure, shift in diagnosis.problem.shifts.items():
            shifts[measure] = shifts.get(measure, 0.0) + shift
    names = {diagnosis.name for diagnosis in active}
    virtual = number % 4 == 3  # noqa: PLR2004 - every fourth
    drawn = [] if virtual or number % 2 else _drawn(number, person, names)
    return Visit(
        number=number,
        start=start,
        virtual=virtual,
        active=active,
        systolic=_reading(rng, SYSTOLIC, shifts.get("systolic", 0.0)),
        diastolic=_reading(rng, DIASTOLIC, shifts.get("diastolic", 0.0)),
        vitals={
            name: _reading(rng, measure, shifts.get(name, 0.0), body.get(name))
            for name, measure in VITALS.items()
        },
        labs={name: _reading(rng, LABS[name], shifts.get(name, 0.0)) for name in drawn},
        phq9=_reading(rng, PHQ9, 0.0) if "depression" in names and not number % 3 else None,
        vaccine=VACCINES[number // 2 % len(VACCINES)] if number % 2 and not virtual else None,
    )


def _drawn(number: int, person: Person, problems: set[str]) -> list[str]:
    """Sugar is followed in diabetics and, from forty on, looked for once; fats are for adults."""
    skipped = set() if "hiv" in problems else {"viral-load"}
    if "diabetes" not in problems and (person.age < _SCREENED_FROM or number):
        skipped.add("a1c")
    if person.age < _ADULT:
        skipped |= {"ldl", "hdl", "triglyceride"}
    return [name for name in LABS if name not in skipped]


def _reading(rng: Random, measure: Measure, shift: float, usual: float | None = None) -> Decimal:
    value = rng.gauss(measure.usual if usual is None else usual, measure.spread) + shift
    if measure.unit == "%":
        value = min(value, 100.0)
    return max(Decimal(f"{value:.{measure.digits}f}"), Decimal(0))
