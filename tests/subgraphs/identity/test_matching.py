"""Who is whom: links that must be made, and those that must not."""

import itertools
import random
from datetime import date

import msgspec
import pytest

from sandbox.data.population import build_population
from subgraphs.identity.index import names
from subgraphs.identity.index.matching import match
from subgraphs.identity.model import PatientResource
from subgraphs.runtime.crosswalk import Link

ONE, TWO, THREE = Link("north", "1"), Link("south", "2"), Link("west", "3")


def linked(one, other) -> bool:
    return len(match({ONE: one, TWO: other})) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the same"),
        pytest.param({"ssn": None}, id="no number, but name, birth date, telephone and home"),
        pytest.param({"ssn": None, "phone": None}, id="no number, but home"),
        pytest.param({"ssn": None, "street": None}, id="no number, but telephone"),
        pytest.param({"family": "Byron", "street": "3 Elm Ct", "phone": None}, id="married, moved"),
        pytest.param({"family": "Lovleace"}, id="typing error"),
        pytest.param({"birth_date": "1968-03-15"}, id="birth date off by a day"),
        pytest.param({"birth_date": "1968-03-24"}, id="birth date off by a digit"),
        pytest.param({"given": "ADA Augusta", "family": "LOVELACE"}, id="capitals, middle name"),
        pytest.param({"ssn": "999123456"}, id="number without dashes"),
        pytest.param({"street": "12 maple st.", "ssn": None, "phone": None}, id="abbreviated"),
        pytest.param({"phone": "+1 217 555 0101", "ssn": None, "street": None}, id="+1"),
        pytest.param({"gender": "unknown", "ssn": None}, id="sex unknown"),
    ],
)
def test_links(patient, changes):
    assert linked(patient(), patient(**changes))


def test_links_a_misspelt_name_and_an_american_date_by_number(patient):
    assert linked(patient(given="Augusta"), patient(given="Agusta"))
    assert linked(patient(birth_date="1968-03-04"), patient(birth_date="1968-04-03"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {"ssn": "999-12-3457"}, id="numbers one digit apart: twins"),
        pytest.param({"ssn": None}, {"ssn": None, "given": "Ida"}, id="twins"),
        pytest.param(
            {"ssn": None, "given": "Marie"}, {"ssn": None, "given": "Maria"}, id="twins, like names"
        ),
        pytest.param({}, {"given": "Byron"}, id="a child with the parent's number"),
        pytest.param({}, {"gender": "male"}, id="other sex"),
        pytest.param(
            {"suffix": "Jr."}, {"suffix": "Sr.", "ssn": None}, id="junior and senior, same birthday"
        ),
        pytest.param(
            {"ssn": None}, {"ssn": None, "birth_date": "1998-03-14"}, id="junior without suffix"
        ),
        pytest.param(
            {"ssn": None}, {"ssn": None, "birth_date": "1968-03-15"}, id="birth date off, no number"
        ),
        pytest.param(
            {"ssn": None},
            {"ssn": None, "phone": None, "street": "9 Elm Court"},
            id="namesakes with one birthday",
        ),
        pytest.param(
            {"ssn": None, "given": "Ada B"}, {"ssn": None, "given": "Ada C"}, id="middle initials"
        ),
        pytest.param({"birth_date": None}, {}, id="no birth date"),
        pytest.param({"birth_date": "1968"}, {"birth_date": "1968"}, id="a year is no birth date"),
        pytest.param({"birth_date": "1900-01-01"}, {"birth_date": "1900-01-01"}, id="nobody knows"),
        pytest.param(
            {"ssn": "999-99-9999", "phone": None, "street": None},
            {"ssn": "999-99-9999", "phone": None, "street": None},
            id="the number everyone types",
        ),
        pytest.param(
            {"ssn": None, "given": "Ada", "card": "M1", "phone": None, "street": None},
            {"ssn": None, "given": "Byron", "card": "M1", "phone": None, "street": None},
            id="one insurance card for the family",
        ),
    ],
)
def test_does_not_link(patient, one, other):
    assert not linked(patient(**one), patient(**other))


def test_the_same_card_number_is_a_personal_number(patient):
    bare = {"ssn": None, "phone": None, "street": None, "card": "M1"}
    assert linked(patient(**bare), patient(**bare))


def test_two_records_of_one_source_are_two_people(patient):
    records = {Link("north", "1"): patient(), Link("north", "2"): patient()}
    assert len(match(records)) == 2


def test_a_record_that_fits_two_people_is_linked_to_neither(patient):
    # Namesakes in one household: the third record cannot be told.
    records = {
        ONE: patient(ssn="999-12-3456"),
        TWO: patient(ssn="999-12-9999"),
        THREE: patient(ssn=None),
    }
    assert len(match(records)) == 3


def test_a_record_goes_to_the_clearly_better_one(patient):
    records = {
        ONE: patient(),
        TWO: patient(ssn="999-88-1111"),
        THREE: patient(phone=None),
    }
    assert frozenset([ONE, THREE]) in match(records)


@pytest.mark.parametrize("variant", ["Peggy", "Maggie", "Meg"])
def test_knows_nicknames(patient, variant):
    assert linked(patient(given="Margaret", ssn=None), patient(given=variant, ssn=None))
    assert names.are_forms_of_one_name("margaret", variant.lower())


@pytest.mark.parametrize("seed", [1, 7])
def test_the_sandbox_s_people_are_told_apart_and_brought_together(seed):
    population = build_population(seed, 120, date(2026, 11, 22))
    records = {
        Link(source, resource["id"]): msgspec.convert(resource, PatientResource)
        for source, resources in population.resources.items()
        for resource in resources
        if resource["resourceType"] == "Patient"
    }
    true = {
        Link(source, id_): person.number
        for person in population.truth.people
        for source, id_ in person.ids.items()
    }
    people = match(records)
    wrong = [person for person in people if len({true[link] for link in person}) > 1]
    assert wrong == []
    # A missed link is less bad than a wrong one, but here none is missed either.
    assert len(people) == len(population.truth.people)
    assert len(population.truth.lookalikes) == 6


def test_the_order_of_records_does_not_matter(patient):
    kinds = [{}, {"ssn": None}, {"birth_date": "1968-03-15"}, {"given": "Ida"}, {"family": "Byron"}]
    items = [
        (Link(source, str(at)), patient(**change))
        for at, (source, change) in enumerate(itertools.product("abc", kinds))
    ]
    expected = match(dict(items))
    for seed in range(5):
        random.Random(seed).shuffle(items)
        assert match(dict(items)) == expected
