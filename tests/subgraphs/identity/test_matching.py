"""Who is whom: links that must be made, and those that must not."""

import itertools
import random
from datetime import date

import msgspec
import pytest

from sandbox.data.population import build_population
from subgraphs.identity.index import names
from subgraphs.identity.index.features import extract
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.people import candidates, tell_apart
from subgraphs.identity.model import PatientResource
from subgraphs.runtime.crosswalk import Link

ONE, TWO, THREE = Link("north", "1"), Link("south", "2"), Link("west", "3")


MATCHER = Matcher()


def match(records):
    """The people, as sets of links."""
    found = tell_apart({link: extract(link.source, r) for link, r in records.items()}, MATCHER)
    return [frozenset(person) for person in found]


def decide(one, other):
    return MATCHER.decide(extract("north", one), extract("south", other))


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
        pytest.param({"birth_date": None}, id="no birth date, but the number"),
        pytest.param({"given": "Lovelace", "family": "Ada"}, id="names in each other's place"),
        pytest.param({"ssn": "999-12-4356"}, id="two digits of the number exchanged"),
        pytest.param({"ssn": "XXX-XX-3456", "phone": None}, id="the number's last four, and home"),
        pytest.param({"birth_date": "1986-03-14"}, id="digits of the year exchanged"),
        pytest.param({"ssn": None, "birth_date": "1968-03-15"}, id="no number, off by a day"),
        pytest.param({"ssn": None, "birth_date": "1978-03-14"}, id="no number, another decade"),
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
        pytest.param({}, {"ssn": "999-12-3457", "given": "Ida"}, id="twins' numbers, one apart"),
        pytest.param({}, {"ssn": None, "given": "Baby Girl"}, id="a newborn has no name yet"),
        pytest.param({"given": "BB"}, {"given": "Boy", "ssn": None}, id="two newborns"),
        pytest.param({"ssn": None}, {"ssn": None, "given": "Ida"}, id="twins"),
        pytest.param({"ssn": None}, {"ssn": None, "given": "A"}, id="twins of one initial"),
        pytest.param(
            {"ssn": None, "given": "Marie"}, {"ssn": None, "given": "Maria"}, id="twins, like names"
        ),
        pytest.param(
            {}, {"given": "Byron", "birth_date": "1998-07-02"}, id="a child, the parent's number"
        ),
        pytest.param(
            {"ssn": None}, {"ssn": None, "birth_date": None}, id="no birth date, no number"
        ),
        pytest.param(
            {}, {"ssn": "999-12-9999", "birth_date": None}, id="no birth date, another number"
        ),
        pytest.param({}, {"gender": "male"}, id="other sex"),
        pytest.param(
            {"suffix": "Jr."}, {"suffix": "Sr.", "ssn": None}, id="junior and senior, same birthday"
        ),
        pytest.param(
            {"ssn": None}, {"ssn": None, "birth_date": "1998-03-14"}, id="junior without suffix"
        ),
        pytest.param(
            {"ssn": None}, {"ssn": None, "birth_date": "1988-03-14"}, id="a slip of a generation"
        ),
        pytest.param(
            {"ssn": None, "given": "James", "family": "Smith"},
            {"given": "James", "family": "Smith", "phone": None, "street": "9 Elm Court"},
            id="namesakes with one birthday",
        ),
        pytest.param(
            {"ssn": None, "street": "12 Maple Street"},
            {"ssn": None, "street": "70 Maple Street", "zip": "85701", "phone": None},
            id="namesakes in streets of one name, in two towns",
        ),
        pytest.param(
            {"ssn": None, "given": "Ada B"}, {"ssn": None, "given": "Ada C"}, id="middle initials"
        ),
        pytest.param(
            {"ssn": None, "birth_date": "1968"},
            {"ssn": None, "birth_date": "1968"},
            id="a year is no birth date",
        ),
        pytest.param(
            {"ssn": None, "birth_date": "1900-01-01"},
            {"ssn": None, "birth_date": "1900-01-01"},
            id="nobody knows",
        ),
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


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        pytest.param(
            {"ssn": None, "given": "James", "family": "Smith"},
            {"given": "James", "family": "Smith", "phone": None, "street": "9 Elm Court"},
            "a name and a birth date alone",
            id="namesakes with one birthday",
        ),
        pytest.param(
            {"ssn": None},
            {"ssn": None, "birth_date": "1988-03-14"},
            "another birth date",
            id="a birth date off by a generation",
        ),
        pytest.param(
            {"ssn": None},
            {"ssn": None, "birth_date": "1972-07-02"},
            "another birth date",
            id="another birth date, too near for a parent",
        ),
        pytest.param(
            {"ssn": None, "given": "John"},
            {"ssn": None, "given": "Jack", "birth_date": "1969-03-14"},
            "another birth date",
            id="brothers John and Jack",
        ),
        pytest.param(
            {"ssn": None, "given": "Mary", "street": "120 Lakewood Street"},
            {
                "given": "Mary",
                "street": "9 Lakewood Street",
                "phone": "217-555-0177",
                "family": "Byron",
                "ssn": None,
            },
            "another family name",
            id="another family name and telephone, some doors away",
        ),
        pytest.param({}, {"gender": "male"}, "another sex", id="the same number, another sex"),
        pytest.param(
            {"ssn": None, "given": "Ada B"},
            {"ssn": None, "given": "Ada C"},
            "another middle name",
            id="middle initials",
        ),
    ],
)
def test_what_a_rule_forbids_the_machine_a_human_may_decide(patient, one, other, rule):
    verdict = decide(patient(**one), patient(**other))
    assert (verdict.outcome, verdict.rule) == (Outcome.REVIEW, rule)
    assert verdict.points == pytest.approx(sum(part.points for part in verdict.parts))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"given": "Ida"}, id="twins"),
        pytest.param({"given": "Ida", "ssn": "999-12-3457"}, id="twins with numbers"),
        pytest.param({"suffix": "Jr.", "ssn": None}, id="father and son"),
        pytest.param({"birth_date": "1997-03-14", "ssn": None}, id="mother and daughter"),
    ],
)
def test_a_household_does_not_even_bother_a_human(patient, changes):
    one = patient(**({"suffix": "Sr."} if "suffix" in changes else {}) | {"ssn": "999-12-3456"})
    other = patient(**{"ssn": None} | changes)
    assert decide(one, other).outcome is Outcome.APART


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ssn": None}, id="no number"),
        pytest.param({"ssn": "512-44-8021"}, id="another number"),
        pytest.param({"given": "Adda"}, id="a misspelt given name"),
    ],
)
def test_no_second_one_of_a_rare_name_is_expected_in_one_town(patient, changes):
    moved = {"phone": None, "street": "9 Elm Court", "ssn": None}
    assert linked(patient(), patient(**moved | changes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {"phone": "217-555-0177"}, id="another telephone"),
        pytest.param({"given": "Ada B"}, {"given": "Ada C"}, id="another middle name"),
        pytest.param({"card": "M1"}, {"card": "M2"}, id="another number of one insurer"),
        pytest.param({}, {"zip": "85701"}, id="another town"),
        pytest.param({}, {"birth_date": "1968-03-15"}, id="another day"),
    ],
)
def test_unless_anything_else_speaks_for_two(patient, one, other):
    moved = {"phone": None, "street": "9 Elm Court", "ssn": None}
    assert decide(patient(**one), patient(**moved | other)).outcome is Outcome.REVIEW


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {"given": "Zenobia", "ssn": "512-44-8021"}, id="twins"),
        pytest.param({"suffix": "Jr."}, {"suffix": "Sr.", "ssn": None}, id="a father and his son"),
        pytest.param({}, {"birth_date": "1998-07-02", "ssn": None}, id="the same without suffix"),
        pytest.param(
            {}, {"given": "Zenobia", "birth_date": "1998-07-02"}, id="a child, the parent's number"
        ),
    ],
)
def test_however_rare_the_name_kin_are_not_linked(patient, one, other):
    rare = {"family": "Tranquillus"}
    assert not linked(patient(**rare | one), patient(**rare | other))


@pytest.mark.parametrize("said", [None, "FNU", "Unknown"])
def test_a_person_of_one_name_has_it_in_every_source(patient, said):
    one = patient(given=None, family="Suharto")
    assert linked(one, patient(given=said, family="Suharto", ssn="512-44-8021"))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ssn": None}, id="newborns have no numbers"),
        pytest.param({"ssn": "999-12-3457"}, id="twins' numbers, one apart"),
        pytest.param({"ssn": "XXX-XX-8021"}, id="the last four are no whole number"),
        pytest.param({"ssn": "512-44-8021", "given": "Ida"}, id="one has a given name"),
        pytest.param({"ssn": "512-44-8021", "birth_date": "1998-07-02"}, id="another birth date"),
    ],
)
def test_but_who_may_be_a_twin_without_a_name_is_not_linked(patient, changes):
    one = patient(given=None, family="Suharto")
    assert not linked(one, patient(**{"given": None, "family": "Suharto"} | changes))


def test_short_names_in_each_others_place(patient):
    webb = patient(given="Sam", family="Webb", ssn=None)
    assert linked(webb, patient(given="Webb", family="Sma", ssn=None))
    # Pam is no misspelt Sam.
    assert not linked(webb, patient(given="Webb", family="Pam", ssn=None))


def test_a_number_mistyped_at_its_end_is_found_by_one_name(patient):
    one = patient(phone=None, street=None)
    other = patient(ssn="999-12-4356", birth_date=None, family="Byron", phone=None, street=None)
    features = {"a": extract("north", one), "b": extract("south", other)}
    assert candidates(features) == [("a", "b")]


def test_a_rare_name_tells_more_than_a_common_one(patient):
    rare = decide(patient(family="Tranberg"), patient(family="Tranberg"))
    common = decide(patient(family="Smith"), patient(family="Smith"))
    assert rare.points > common.points + 5


def test_it_decides_alike_whichever_comes_first(patient):
    kinds = [
        {},
        {"ssn": None},
        {"given": "Lovelace", "family": "Ada"},
        {"given": "Adda"},
        {"given": "Lovelace", "family": "Aad"},
        {"given": None, "ssn": "512-44-8021"},
        {"given": None},
        {"birth_date": "1978-03-14", "ssn": None},
    ]
    for one, other in itertools.combinations([patient(**kind) for kind in kinds], 2):
        there, back = decide(one, other), decide(other, one)
        assert (there.outcome, there.points, there.rule) == (back.outcome, back.points, back.rule)


def test_two_records_of_one_source_are_two_people(patient):
    records = {Link("north", "1"): patient(), Link("north", "2"): patient()}
    assert len(match(records)) == 2


def test_a_record_that_fits_two_people_is_linked_to_neither(patient):
    # Namesakes in one household: the third record cannot be told.
    records = {
        ONE: patient(ssn="999-12-3456", given="Ada B"),
        TWO: patient(ssn="999-12-9999", given="Ada C"),
        THREE: patient(ssn=None),
    }
    assert len(match(records)) == 3


def test_a_record_goes_to_the_clearly_better_one(patient):
    records = {
        ONE: patient(given="Ada B"),
        TWO: patient(ssn="999-88-1111", given="Ada C"),
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
