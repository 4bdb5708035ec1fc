"""Each measure on people made for it: who is meant, who is excluded, and who has had the care.

Today is 2026-11-22.
"""

import asyncio
import json
from datetime import date
from decimal import Decimal

import pytest

from subgraphs.insight.measures.definition import (
    Care,
    Criterion,
    Measure,
    Population,
    hold_together,
    load_measures,
    read_within,
)
from subgraphs.insight.store.evaluation import Lack
from subgraphs.insight.store.store import open_insight_store
from tests.subgraphs.insight.population import (
    HCPCS,
    LOINC,
    MEASURES,
    SNOMED,
    TODAY,
    concept,
    condition,
    observed,
    patient,
    pressure,
    procedure,
    vaccination,
)
from tests.subgraphs.insight.population import Population as People
from tests.subgraphs.signed import KEY

A1C = "4548-4"
MISSING, OUT_OF_RANGE = Lack.MISSING, Lack.OUT_OF_RANGE


def diabetic(**more):
    return condition("ada", "E11.9", **more)


def hypertensive(**more):
    return condition("ada", "I10", **more)


def ended(day):
    return {"abatementDateTime": day}


def status(code):
    return {"clinicalStatus": {"coding": [{"code": code}]}}


def verified(code):
    return {"verificationStatus": {"coding": [{"code": code}]}}


PALLIATIVE = condition("ada", "Z51.5", "2026-06-01")
LONG_AGO_PALLIATIVE = condition("ada", "Z51.5", "2020-06-01")


A1C_MEASURED = [
    # Who is meant.
    (None, [], {}),
    (MISSING, [diabetic()], {}),
    (MISSING, [condition("ada", "44054006", system=SNOMED)], {}),
    (MISSING, [condition("ada", "E10.65")], {}),
    (MISSING, [condition("ada", "E119", system="2.16.840.1.113883.6.90")], {}),
    (None, [condition("ada", "R73.03")], {}),
    (None, [diabetic(**verified("refuted"))], {}),
    (None, [diabetic(**verified("entered-in-error"))], {}),
    (None, [diabetic(**ended("2024-01-01"))], {}),
    (None, [diabetic(**status("resolved"))], {}),
    (MISSING, [diabetic(**ended("2027-01-01"))], {}),
    (None, [condition("ada", "E11.9", "2026-12-01")], {}),
    # Of age: from the 18th birthday to the day before the 76th.
    (None, [diabetic()], {"born": "2008-11-23"}),
    (MISSING, [diabetic()], {"born": "2008-11-22"}),
    (MISSING, [diabetic()], {"born": "1950-11-23"}),
    (None, [diabetic()], {"born": "1950-11-22"}),
    (None, [diabetic()], {"born": None}),
    (MISSING, [diabetic()], {"born": "1960"}),
    # Alive, with a record in use.
    (None, [diabetic()], {"deceasedBoolean": True}),
    (None, [diabetic()], {"deceasedDateTime": "2026-01-01"}),
    (None, [diabetic()], {"active": False}),
    # Excluded.
    (None, [diabetic(), PALLIATIVE], {}),
    (MISSING, [diabetic(), LONG_AGO_PALLIATIVE], {}),
    (None, [diabetic(), procedure("ada", "385763009", "2026-02-01")], {}),
    # The care: 180 days before today is the 26th of May.
    ("met", [diabetic(), observed("ada", A1C, "2026-05-27", 7)], {}),
    (MISSING, [diabetic(), observed("ada", A1C, "2026-05-26", 7)], {}),
    ("met", [diabetic(), observed("ada", "59261-8", "2026-11-22", 53, "mmol/mol")], {}),
    (MISSING, [diabetic(), observed("ada", A1C, "2026-11-23", 7)], {}),
    (MISSING, [diabetic(), observed("ada", A1C, "2026-11-01", 7, status="preliminary")], {}),
    (MISSING, [diabetic(), observed("ada", A1C, "2026-11-01", 7, status="cancelled")], {}),
    (
        MISSING,
        [diabetic(), observed("ada", A1C, "2026-11-01", dataAbsentReason={"text": "lost"})],
        {},
    ),
    (MISSING, [diabetic(), observed("ada", "2345-7", "2026-11-01", 90, "mg/dL")], {}),
]


A1C_UNDER_CONTROL = [
    (None, []),
    (MISSING, [diabetic()]),
    ("met", [diabetic(), observed("ada", A1C, "2026-11-01", 9.0)]),
    (OUT_OF_RANGE, [diabetic(), observed("ada", A1C, "2026-11-01", 9.1)]),
    # The last one decides.
    (
        OUT_OF_RANGE,
        [
            diabetic(),
            observed("ada", A1C, "2026-09-01", 6.0),
            observed("ada", A1C, "2026-10-01", 9.6),
        ],
    ),
    (
        "met",
        [
            diabetic(),
            observed("ada", A1C, "2026-09-01", 12),
            observed("ada", A1C, "2026-10-01", 8),
        ],
    ),
    # Of one day the lowest.
    (
        "met",
        [
            diabetic(),
            observed("ada", A1C, "2026-10-01T08:00:00Z", 12),
            observed("ada", A1C, "2026-10-01T09:00:00Z", 8),
        ],
    ),
    # In any unit: 75 mmol/mol are 9.0 %, 76 are 9.1 %.
    ("met", [diabetic(), observed("ada", "59261-8", "2026-10-01", 75, "mmol/mol")]),
    (OUT_OF_RANGE, [diabetic(), observed("ada", "59261-8", "2026-10-01", 76, "mmol/mol")]),
    # What is no number in a unit that is known decides nothing.
    (MISSING, [diabetic(), observed("ada", A1C, "2026-10-01", 7, "furlongs")]),
    (
        MISSING,
        [
            diabetic(),
            observed(
                "ada",
                A1C,
                "2026-10-01",
                valueQuantity={"value": 4, "comparator": "<", "unit": "%"},
            ),
        ],
    ),
    (MISSING, [diabetic(), observed("ada", A1C, "2025-11-22", 7)]),
    ("met", [diabetic(), observed("ada", A1C, "2025-11-23", 7)]),
    (None, [diabetic(), observed("ada", A1C, "2026-11-01", 12), PALLIATIVE]),
]


FIT = observed("ada", "58453-2", "2026-03-01", valueCodeableConcept={"text": "negative"})


COLORECTAL_SCREENING = [
    (MISSING, [], {}),
    (MISSING, [], {"sex": "male"}),
    (None, [], {"born": "1981-11-23"}),
    (MISSING, [], {"born": "1981-11-22"}),
    (None, [], {"born": "1950-11-22"}),
    ("met", [procedure("ada", "73761001", "2016-11-23")], {}),
    (MISSING, [procedure("ada", "73761001", "2016-11-22")], {}),
    ("met", [procedure("ada", "G0121", "2020-01-01", HCPCS)], {}),
    (MISSING, [procedure("ada", "73761001", "2020-01-01", status="not-done")], {}),
    ("met", [procedure("ada", "44441009", "2022-01-01")], {}),
    (MISSING, [procedure("ada", "44441009", "2021-01-01")], {}),
    ("met", [FIT], {}),
    (MISSING, [{**FIT, "effectiveDateTime": "2025-11-22"}], {}),
    ("met", [observed("ada", "77353-1", "2024-01-01", valueString="negative")], {}),
    # Any of them will do.
    ("met", [procedure("ada", "73761001", "2010-01-01"), FIT], {}),
    (None, [condition("ada", "C18.7", "2019-01-01")], {}),
    # Whoever had it once is not screened: it lasts, unless it is over for good.
    (None, [condition("ada", "Z85.038", "2001-01-01")], {}),
    (None, [procedure("ada", "26390003", "1999-01-01")], {}),
    (None, [PALLIATIVE], {}),
]


BORN = {"born": "1985-01-01"}
BLOOD_PRESSURE = [
    (None, [pressure("ada", "2026-11-01", 160, 95)]),
    (MISSING, [hypertensive()]),
    ("met", [hypertensive(), pressure("ada", "2026-11-01", 139, 89)]),
    (OUT_OF_RANGE, [hypertensive(), pressure("ada", "2026-11-01", 140, 89)]),
    (OUT_OF_RANGE, [hypertensive(), pressure("ada", "2026-11-01", 139, 90)]),
    (MISSING, [hypertensive(), pressure("ada", "2025-11-01", 120, 80)]),
    (
        OUT_OF_RANGE,
        [
            hypertensive(),
            pressure("ada", "2026-10-01", 120, 80),
            pressure("ada", "2026-11-01", 150, 80),
        ],
    ),
    # The lowest of the last day, of each.
    (
        "met",
        [
            hypertensive(),
            pressure("ada", "2026-11-01T08:00:00Z", 150, 80),
            pressure("ada", "2026-11-01T08:10:00Z", 138, 92),
        ],
    ),
    # Measured apart they count as well; one alone is half of it.
    (
        "met",
        [
            hypertensive(),
            observed("ada", "8480-6", "2026-11-01", 120, "mm[Hg]"),
            observed("ada", "8462-4", "2026-11-01", 80, "mm[Hg]"),
        ],
    ),
    (MISSING, [hypertensive(), observed("ada", "8480-6", "2026-11-01", 120, "mm[Hg]")]),
    (None, [hypertensive(), condition("ada", "N18.6")]),
    (None, [hypertensive(), condition("ada", "Z34.00", "2026-09-01")]),
    # Pregnancies end.
    (
        MISSING,
        [hypertensive(), condition("ada", "Z34.00", "2020-01-01", **ended("2020-09-01"))],
    ),
]


MAMMOGRAM = {
    "resourceType": "DiagnosticReport",
    "id": "m",
    "status": "final",
    "subject": {"reference": "Patient/ada"},
    "code": concept(LOINC, "24606-6"),
}


BREAST_SCREENING = [
    (MISSING, [], {}),
    (None, [], {"sex": "male"}),
    (None, [], {"sex": None}),
    (None, [], {"born": "1985-01-01"}),
    # 27 months before today is the 22nd of August, 2024.
    ("met", [procedure("ada", "71651007", "2024-08-23")], {}),
    (MISSING, [procedure("ada", "71651007", "2024-08-22")], {}),
    ("met", [{**MAMMOGRAM, "effectiveDateTime": "2026-01-05"}], {}),
    ("met", [{**MAMMOGRAM, "effectivePeriod": {"end": "2026-01-05"}}], {}),
    (MISSING, [{**MAMMOGRAM, "effectiveDateTime": "2026-01-05", "status": "partial"}], {}),
    (MISSING, [MAMMOGRAM], {}),
    (None, [condition("ada", "Z90.13", "2010-01-01")], {}),
    (None, [procedure("ada", "27865001", "2010-01-01")], {}),
]


INFLUENZA = [
    (MISSING, [], {}),
    (MISSING, [], {"born": "2020-01-01"}),
    (None, [], {"born": "2026-01-01"}),
    ("met", [vaccination("ada", "140", "2026-07-01")], {}),
    (MISSING, [vaccination("ada", "140", "2026-06-30")], {}),
    ("met", [vaccination("ada", "15", "2026-10-01")], {}),
    (MISSING, [vaccination("ada", "208", "2026-10-01")], {}),
    (MISSING, [vaccination("ada", "140", "2026-10-01", status="not-done")], {}),
    (None, [PALLIATIVE], {}),
]


CASES = {
    "diabetes-a1c-tested": A1C_MEASURED,
    "diabetes-a1c-controlled": A1C_UNDER_CONTROL,
    "colorectal-cancer-screening": COLORECTAL_SCREENING,
    "blood-pressure-controlled": BLOOD_PRESSURE,
    "breast-cancer-screening": BREAST_SCREENING,
    "influenza-vaccination": INFLUENZA,
}


def person_of(name, resources, person=None):
    """The case's resources, told of someone of its own."""
    found = [patient(name, **(person or {}))]
    for number, each in enumerate(resources):
        text = json.dumps(each).replace('"Patient/ada"', f'"Patient/{name}"')
        found.append({**json.loads(text), "id": f"{name}-{number}"})
    return found


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of everybody of all cases, by measure: one store holds them all."""

    async def count():
        store = await open_insight_store(
            tmp_path_factory.mktemp("store"), KEY, MEASURES, memory_mb=128
        )
        population = People(store)
        rows = [
            row
            for measure, cases in CASES.items()
            for number, (_, *case) in enumerate(cases)
            for row in person_of(f"{measure}-{number}", *case)
        ]
        await population.export(*rows)
        found = {measure: await population.outcomes(measure) for measure in CASES}
        await store.close()
        return found

    return asyncio.run(count())


@pytest.mark.parametrize(
    ("measure", "number"),
    [(measure, number) for measure, cases in CASES.items() for number in range(len(cases))],
)
def test_who_is_meant_and_has_had_the_care(outcomes, measure, number):
    expected = CASES[measure][number][0]
    found = outcomes[measure].get(f"{measure}-{number}")
    assert (None if found is None else found.lack or "met") == expected


async def test_the_season_is_that_of_the_day_in_question(population):
    given = vaccination("ada", "140", "2025-10-01")
    await population.export(patient("ada"), given)
    spring = await population.outcomes("influenza-vaccination", date(2026, 4, 1))
    assert spring["ada"].lack is None
    autumn = await population.outcomes("influenza-vaccination", date(2026, 7, 1))
    assert (autumn["ada"].lack, autumn["ada"].due) == (MISSING, date(2026, 7, 1))


async def test_since_when_it_is_due(population):
    await population.export(
        patient("ada"),
        patient("bob", sex="male"),
        condition("ada", "E11.9", "2020-01-01"),
        condition("bob", "E11.9", "2021-03-04"),
        observed("ada", A1C, "2026-01-01", 9.5),
        procedure("ada", "73761001", "2012-02-03"),
        {**FIT, "effectiveDateTime": "2024-05-06"},
    )
    tested = await population.outcomes("diabetes-a1c-tested")
    # 180 days after the last; without any, since it was found.
    assert {name: each.due for name, each in tested.items()} == {
        "ada": date(2026, 6, 30),
        "bob": date(2021, 3, 4),
    }
    # What is out of range is so since it was measured.
    controlled = await population.outcomes("diabetes-a1c-controlled")
    assert (controlled["ada"].lack, controlled["ada"].due) == (OUT_OF_RANGE, date(2026, 1, 1))
    # The screening that lasted longest; without any, since the age for it.
    screened = await population.outcomes("colorectal-cancer-screening")
    assert screened["ada"].due == date(2025, 5, 6)
    assert screened["bob"].due == date(2005, 5, 4)


async def test_shows_the_last_of_each_that_counts(population):
    first = observed("ada", A1C, "2026-01-01", 9.5)
    await population.export(patient("ada"), diabetic(), first)
    await population.export(
        patient("ada"), observed("ada", A1C, "2026-01-01", 9.5), source="clinic"
    )
    (evidence,) = (await population.outcomes("diabetes-a1c-tested"))["ada"].evidence
    assert (evidence.concept, evidence.day, evidence.value) == (
        "a1c",
        date(2026, 1, 1),
        Decimal("9.5"),
    )
    assert evidence.sources == ("clinic", "ehr")


async def test_a_person_of_two_sources_counts_once(population):
    await population.export(patient("ada"), diabetic())
    await population.export(patient("ada"), diabetic(), source="clinic")
    assert list(await population.outcomes("diabetes-a1c-tested")) == ["ada"]
    # What one of them has done need not be done again.
    measured = observed("ada", A1C, "2026-11-01", 7)
    await population.export(patient("ada"), measured, source="clinic")
    assert (await population.outcomes("diabetes-a1c-tested"))["ada"].lack is None


async def test_any_day_of_the_past_can_be_asked_for(population):
    await population.export(patient("ada"), diabetic(), observed("ada", A1C, "2026-01-01", 7))
    assert await population.outcomes("diabetes-a1c-tested", date(2019, 12, 31)) == {}
    on = {day: await population.outcomes("diabetes-a1c-tested", day) for day in (
        date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 29), date(2026, 6, 30)
    )}  # fmt: skip
    assert [found["ada"].lack for found in on.values()] == [MISSING, None, None, MISSING]


def test_every_measure_says_who_wrote_it_and_what_counts():
    assert len(MEASURES.by_id) >= 6
    for measure in MEASURES.by_id.values():
        assert measure.title
        assert measure.gap
        assert measure.steward.startswith("Chartgraph, after ")
        assert measure.period
        assert measure.version


def test_every_concept_is_spoken_of():
    spoken = {name for measure in MEASURES.by_id.values() for name in measure.concepts}
    assert spoken == set(MEASURES.concepts)


def test_no_licensed_codes_are_kept():
    codes = [c for each in MEASURES.concepts.values() for s in each.codes.values() for c in s]
    systems = {system for each in MEASURES.concepts.values() for system in each.codes}
    assert systems <= {"icd-10-cm", "icd-10-pcs", "snomed", "loinc", "cvx", "hcpcs"}
    # A CPT code has five digits; what HCPCS publishes begins with a letter.
    hcpcs = [c for each in MEASURES.concepts.values() for c in each.codes.get("hcpcs", ())]
    assert all(code[0].isalpha() for code in hcpcs)
    assert len(codes) < 120


def measure(**changes):
    usual = {
        "id": "m",
        "version": "1",
        "title": "t",
        "gap": "g",
        "steward": "s",
        "period": "p",
        "population": Population((1, 2)),
        "care": Care(any=(Criterion("a1c", "1y"),)),
    }
    return Measure(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"care": Care()}, "`any` of some"),
        ({"care": Care(any=(Criterion("a1c", "1y"),), all=(Criterion("a1c", "1y"),))}, "`any` of"),
        ({"care": Care(any=(Criterion("a1c"),))}, "within no time"),
        ({"care": Care(any=(Criterion("leeches", "1y"),))}, "no such concept: leeches"),
        ({"care": Care(any=(Criterion("colonoscopy", "1y", below="3"),))}, "is no number"),
        ({"population": Population((1, 2), None, ("gout",))}, "no such concept: gout"),
    ],
)
def test_what_does_not_fit_is_named(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        hold_together(MEASURES.concepts, [measure(**changes)])


@pytest.mark.parametrize("text", ["", "1w", "season", "season 02-30", "-1d", "1.5y"])
def test_a_time_is_written_in_one_way(text):
    with pytest.raises(ValueError, match=r"no time|day is out of range|must be in"):
        read_within(text)


def test_one_measure_is_not_there_twice():
    with pytest.raises(ValueError, match="two of it"):
        hold_together(MEASURES.concepts, [measure(), measure()])
    assert load_measures().digest == MEASURES.digest
    assert date(2026, 11, 22) == TODAY
