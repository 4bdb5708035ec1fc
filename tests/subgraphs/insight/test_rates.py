"""Rates: right, and never of so few that somebody could be made out."""

import itertools

import pytest

from contract.context import Caller
from subgraphs.insight.measures.rates import LEAST, Rate, suppress, suppress_groups
from subgraphs.insight.schema.types import ends_of_months
from tests.subgraphs.insight.population import (
    CLINICIAN,
    RESEARCHER,
    TODAY,
    labelled,
    patient,
    vaccination,
)

QUALITY = Caller(subject="q", roles=("quality-officer",), scopes=("user/MeasureReport.rs",))
FIELDS = "group eligible met open percentage isSuppressed"


async def rates(population, arguments="", caller=RESEARCHER):
    query = f'{{ measure(id: "influenza-vaccination") {{ rates{arguments} {{ {FIELDS} }} }} }}'
    answer = await population.ask(query, caller)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["measure"]["rates"]


def people(count, given, prefix="p", place=None):
    kept = {"managingOrganization": {"display": place}} if place else {}
    for number in range(count):
        yield patient(f"{prefix}{number}", **kept)
        if number < given:
            yield vaccination(f"{prefix}{number}", "140", "2026-10-01")


@pytest.mark.parametrize("caller", [RESEARCHER, QUALITY, CLINICIAN])
async def test_tell_how_many_have_had_the_care(population, caller):
    await population.export(*people(40, 25))
    (rate,) = await rates(population, caller=caller)
    assert rate == {
        "group": None,
        "eligible": 40,
        "met": 25,
        "open": 15,
        "percentage": "62.5",
        "isSuppressed": False,
    }


async def test_leave_out_what_is_small(population):
    await population.export(*people(40, 35))
    (rate,) = await rates(population)
    assert (rate["eligible"], rate["met"], rate["open"]) == (40, None, None)
    assert (rate["percentage"], rate["isSuppressed"]) == (None, True)


async def test_of_groups_are_told_apart_by_source_and_by_organization(population):
    await population.export(*people(30, 15, "a", "Lakeside"), *people(30, 12, "b", "Northfield"))
    await population.export(*people(25, 12, "c", "Northfield"), source="clinic")
    by_place = await rates(population, "(by: ORGANIZATION)")
    assert [(r["group"], r["eligible"], r["met"]) for r in by_place] == [
        ("Lakeside", 30, 15),
        ("Northfield", 55, 24),
    ]
    by_source = await rates(population, "(by: SOURCE)")
    assert [(r["group"], r["eligible"], r["met"]) for r in by_source] == [
        ("clinic", 25, 12),
        ("ehr", 60, 27),
    ]


async def test_labelled_records_count_for_nobody(population):
    rows = [labelled(r, "R") if r["resourceType"] != "Patient" else r for r in people(40, 25)]
    plain = list(people(40, 25, "q"))
    await population.export(*rows, *plain)
    (rate,) = await rates(population)
    assert (rate["eligible"], rate["met"]) == (80, 25)


@pytest.mark.parametrize(
    "caller",
    [
        Caller(subject="b", roles=("biller",), scopes=("user/MeasureReport.rs",)),
        Caller(subject="p", roles=("patient",), scopes=("patient/*.rs",), patient="ehr/p0"),
    ],
)
@pytest.mark.parametrize("field", ["rates { met }", "trend { met }", "rates(by: SOURCE) { met }"])
async def test_are_not_for_everybody(population, caller, field):
    await population.export(*people(40, 25))
    query = f'{{ measure(id: "influenza-vaccination") {{ {field} }} }}'
    answer = await population.ask(query, caller)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_nobody_counts_as_read(population):
    await population.export(*people(40, 25))
    query = '{ measure(id: "influenza-vaccination") { rates { met } trend { met } } }'
    answer = await population.ask(query, RESEARCHER)
    assert answer["report"].patients == ()


async def test_a_trend_is_by_month(population):
    await population.export(*people(40, 25))
    query = '{ measure(id: "influenza-vaccination") { trend(months: 3) { month met eligible } } }'
    answer = await population.ask(query, RESEARCHER)
    # In September nobody was vaccinated yet.
    assert answer["data"]["measure"]["trend"] == [
        {"month": "2026-09", "met": None, "eligible": 40},
        {"month": "2026-10", "met": 25, "eligible": 40},
        {"month": "2026-11", "met": 25, "eligible": 40},
    ]
    for months, told in ((0, 1), (37, 36)):
        answer = await population.ask(query.replace("3)", f"{months})"), RESEARCHER)
        assert len(answer["data"]["measure"]["trend"]) == told


def test_months_end_on_their_last_days():
    days = [day.isoformat() for day in ends_of_months(TODAY, 12)]
    assert days[:4] == ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31"]
    assert days[-2:] == ["2026-10-31", "2026-11-22"]
    assert ends_of_months(TODAY, 1) == [TODAY]


def shown(rate):
    return rate.eligible, rate.met


@pytest.mark.parametrize(
    ("eligible", "met", "expected"),
    [
        (100, 50, (100, 50)),
        (22, 11, (22, 11)),
        (21, 11, (21, None)),
        (100, 10, (100, None)),
        (100, 0, (100, None)),
        (100, 100, (100, None)),
        (10, 5, (None, None)),
        (0, 0, (None, None)),
    ],
)
def test_a_cell_under_eleven_is_left_out_with_its_other_half(eligible, met, expected):
    assert shown(suppress(Rate(None, eligible, met))) == expected


def test_one_group_alone_is_not_left_out():
    groups = [Rate("a", 5, 2), Rate("b", 40, 20), Rate("c", 80, 40)]
    # What is left of the total is `a`: so `b` is left out too.
    assert [shown(rate) for rate in suppress_groups(groups)] == [
        (None, None),
        (None, None),
        (80, 40),
    ]


def test_the_other_half_of_a_group_is_not_left_alone_either():
    groups = [Rate("a", 30, 5), Rate("b", 40, 20), Rate("c", 80, 40)]
    assert [shown(rate) for rate in suppress_groups(groups)] == [(30, None), (40, None), (80, 40)]


def test_what_is_left_out_is_never_small_together():
    """Of all tables of three groups: the total, less what is shown, is no cell under eleven."""
    numbers = (0, 3, 10, 11, 30)
    for eligible in itertools.combinations_with_replacement(numbers, 3):
        groups = [Rate(str(place), count, count // 2) for place, count in enumerate(eligible)]
        told = suppress_groups(groups)
        for read in (lambda rate: rate.eligible, lambda rate: rate.met):
            hidden = [read(g) for g, t in zip(groups, told, strict=True) if read(t) is None]
            if hidden and len(hidden) < len(groups):
                assert len(hidden) > 1
                assert sum(hidden) >= LEAST
            assert all(read(t) is None or read(t) >= LEAST for t in told)
