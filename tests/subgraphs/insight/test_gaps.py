"""Who is told of a gap: by every way to it, and never by what is missing beside it."""

import pytest

from contract.context import Caller
from subgraphs.runtime.consent import Directives, Grant, Provision
from tests.subgraphs.insight.population import (
    CLINICIAN,
    RESEARCHER,
    condition,
    herself,
    labelled,
    observed,
    patient,
)

A1C, TESTED = "4548-4", "diabetes-a1c-tested"
SCREENED = "colorectal-cancer-screening"
BORN = "1990-01-01"
"""Too young for the screenings: what is left are the measures of a disease, and influenza."""


def diabetic(name, **more):
    return [patient(name, BORN), condition(name, "E11.9", **more)]


def gaps_of(*measures):
    return sorted(["influenza-vaccination", *measures])


async def test_a_clinician_sees_what_a_patient_lacks_and_so_does_she(population):
    await population.export(
        *diabetic("ada"), *diabetic("bob"), observed("ada", A1C, "2026-11-01", 7)
    )
    assert sorted(await population.gaps_of("ada")) == gaps_of()
    both = gaps_of(TESTED, "diabetes-a1c-controlled")
    assert sorted(await population.gaps_of("bob")) == both
    assert sorted(await population.gaps_of("bob", herself("bob"))) == both
    # Another one's are not hers to see.
    assert await population.gaps_of("bob", herself("ada")) == []


@pytest.mark.parametrize(
    "caller",
    [
        Caller(subject="n", roles=("nurse",), scopes=("user/*.rs",)),
        Caller(subject="s", scopes=("system/*.rs",)),
    ],
)
async def test_whoever_may_see_all_of_it_is_told(population, caller):
    await population.export(*diabetic("ada"))
    assert TESTED in await population.gaps_of("ada", caller)
    assert await population.cohort(TESTED, caller) == ["ada"]


@pytest.mark.parametrize(
    "caller",
    [
        RESEARCHER,
        Caller(subject="b", roles=("biller",), scopes=("user/*.rs",)),
        Caller(subject="l", roles=("lab",), scopes=("user/*.rs",)),
        Caller(subject="x", roles=(), scopes=("user/*.rs",)),
        Caller(subject="c", roles=("clinician",), scopes=("user/MeasureReport.rs",)),
        # A scope for some of the observations would make a gap of what it does not show.
        Caller(
            subject="c",
            roles=("clinician",),
            scopes=(
                "user/MeasureReport.rs",
                "user/Patient.rs",
                "user/Condition.rs",
                "user/Procedure.rs",
                "user/Observation.rs?category=vital-signs",
            ),
        ),
        Caller(
            subject="c", roles=("clinician",), scopes=("user/Observation.rs", "user/Condition.rs")
        ),
    ],
)
async def test_whoever_may_not_see_all_of_it_is_told_nothing(population, caller):
    await population.export(*diabetic("ada"))
    assert TESTED not in await population.gaps_of("ada", caller)
    assert await population.cohort(TESTED, caller) == []
    assert await by_id(population, "ada", TESTED, caller) == "NOT_FOUND"


async def by_id(population, name, measure, caller=CLINICIAN):
    """The gap by its own id: as the clinician knows it, asked by someone else."""
    query = "query ($m: ID!) { cohort(measure: $m) { gaps { nodes { id patient { id } } } } }"
    answer = await population.ask(query, herself_or_all(name), m=measure)
    nodes = answer["data"]["cohort"]["gaps"]["nodes"]
    id_ = next(n["id"] for n in nodes if n["patient"]["id"] == population.id_of(name))
    representation = {"__typename": "CareGap", "id": id_}
    query = """query ($r: [_Any!]!) { _entities(representations: $r) {
        ... on CareGap { reason measure { id } } } }"""
    answer = await population.ask(query, caller, r=[representation])
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    return answer["data"]["_entities"][0]["measure"]["id"]


def herself_or_all(_):
    return Caller(subject="s", scopes=("system/*.rs",))


async def test_a_gap_is_found_by_its_id(population):
    await population.export(*diabetic("ada"))
    assert await by_id(population, "ada", TESTED) == TESTED
    assert await by_id(population, "ada", TESTED, herself("ada")) == TESTED
    assert await by_id(population, "ada", TESTED, herself("bob")) == "NOT_FOUND"


class TestLabels:
    """A gap that rests on a labelled record is as closed as that record."""

    async def test_of_the_disease(self, population):
        row, disease = diabetic("ada")
        await population.export(row, labelled(disease, "R"))
        assert await population.gaps_of("ada") == gaps_of()
        assert await population.cohort(TESTED) == []
        # She sees her own, and what follows from it.
        assert TESTED in await population.gaps_of("ada", herself("ada"))

    async def test_of_the_care(self, population):
        """What closes the gap is withheld: it looks as if it were not there."""
        measured = labelled(observed("ada", A1C, "2026-11-01", 7), "R")
        await population.export(*diabetic("ada"), measured)
        assert TESTED in await population.gaps_of("ada")
        assert await population.cohort(TESTED) == ["ada"]
        assert TESTED not in await population.gaps_of("ada", herself("ada"))

    async def test_of_an_exclusion(self, population):
        palliative = labelled(condition("ada", "Z51.5", "2026-06-01"), "R")
        await population.export(*diabetic("ada"), palliative)
        assert TESTED in await population.gaps_of("ada")
        assert TESTED not in await population.gaps_of("ada", herself("ada"))

    async def test_of_another_source_about_the_same(self, population):
        row, disease = diabetic("ada")
        await population.export(row, disease)
        assert TESTED in await population.gaps_of("ada")
        await population.export(row, labelled({**disease, "id": "other"}, "PSY"), source="clinic")
        assert TESTED not in await population.gaps_of("ada")
        assert await population.cohort(TESTED) == []

    async def test_that_a_code_calls_for(self, population):
        """Pregnancies are closed by rules: what they exclude from is not told to be."""
        pregnant = condition("ada", "Z34.00", "2026-09-01")
        await population.export(patient("ada", BORN), condition("ada", "I10"), pregnant)
        assert "blood-pressure-controlled" in await population.gaps_of("ada")
        assert "blood-pressure-controlled" not in await population.gaps_of("ada", herself("ada"))

    async def test_of_the_patient_herself(self, population):
        row, disease = diabetic("ada")
        await population.export(labelled(row, "V"), disease)
        assert await population.gaps_of("ada") == []
        assert await population.cohort(TESTED) == []

    async def test_of_a_type_that_is_not_counted_and_still_about_the_same(self, population):
        """A refuted diagnosis says nothing, but its label does."""
        row, disease = diabetic("ada")
        refuted = {**disease, "id": "r", "verificationStatus": {"coding": [{"code": "refuted"}]}}
        await population.export(row, disease, labelled(refuted, "R"))
        assert TESTED not in await population.gaps_of("ada")

    async def test_taken_off_again(self, population):
        row, disease = diabetic("ada")
        await population.export(row, labelled(disease, "R"))
        await population.export(row, disease)
        assert TESTED in await population.gaps_of("ada")


class TestConsents:
    """What a patient directs holds for what is computed of her records too."""

    NOT_HER_TESTS = Directives((Provision(permits=False, types=("Observation",)),))
    HER_DISEASE = Directives((Provision(permits=True, labels=("PSY",)),))

    async def test_of_the_care(self, population):
        measured = observed("ada", A1C, "2026-11-01", 7)
        await population.export(*diabetic("ada"), measured)
        assert await population.cohort(TESTED) == []
        population.directed["ada"] = self.NOT_HER_TESTS
        # What she withholds looks like what does not exist, by every way.
        assert await population.cohort(TESTED) == ["ada"]
        assert TESTED in await population.gaps_of("ada")
        assert TESTED not in await population.gaps_of("ada", herself("ada"))

    async def test_of_the_disease(self, population):
        await population.export(*diabetic("ada"))
        population.directed["ada"] = Directives((Provision(permits=False, types=("Condition",)),))
        assert await population.cohort(TESTED) == []
        assert await population.gaps_of("ada") == gaps_of()

    async def test_of_everything(self, population):
        await population.export(*diabetic("ada"))
        denied = Provision(permits=False, types=("Patient",))
        population.directed["ada"] = Directives((denied,))
        assert await population.cohort(TESTED) == []
        assert await population.gaps_of("ada") == []

    async def test_that_opens_what_is_labelled(self, population):
        row, disease = diabetic("ada")
        await population.export(row, labelled(disease, "PSY"))
        assert await population.cohort(TESTED) == []
        population.directed["ada"] = self.HER_DISEASE
        assert await population.cohort(TESTED) == ["ada"]
        assert TESTED in await population.gaps_of("ada")

    async def test_of_one_source_about_what_two_have(self, population):
        measured = observed("ada", A1C, "2026-11-01", 7)
        await population.export(*diabetic("ada"), measured)
        await population.export(patient("ada", BORN), measured, source="clinic")
        denied = Provision(permits=False, types=("Observation",), custodians=("clinic",))
        population.directed["ada"] = Directives((denied,))
        # One fact of two sources is denied where either is.
        assert TESTED in await population.gaps_of("ada")

    async def test_broken_glass_opens_no_worklist(self, population):
        row, disease = diabetic("ada")
        await population.export(row, labelled(disease, "PSY"))
        grant = Grant("g1", "", "c", 4_000_000_000.0)
        population.directed["ada"] = Directives((), (grant,))
        caller = Caller(subject="c", roles=("clinician",), scopes=("user/*.rs",), purpose="ETREAT")
        assert TESTED in await population.gaps_of("ada", caller)
        assert await population.cohort(TESTED, caller) == []


class TestTheWorklist:
    async def fill(self, population):
        """Six of whom four have a gap; of `dee` it is closed, of `eve` it is labelled."""
        days = {"ada": "2026-01-01", "bob": "2025-01-01", "cid": "2024-01-01", "dee": "2026-11-01"}
        rows = [observed(name, A1C, day, 7) for name, day in days.items()]
        people = [row for name in (*days, "eve", "fay") for row in diabetic(name)]
        people = [
            labelled(each, "R") if each["id"].startswith("Condition-eve") else each
            for each in people
        ]
        await population.export(*people, *rows)

    async def test_begins_with_the_longest_overdue(self, population):
        await self.fill(population)
        # Of `fay` nothing was measured, ever since 2020.
        assert await population.cohort(TESTED) == ["fay", "cid", "bob", "ada"]

    async def test_has_pages_that_fit_together(self, population):
        await self.fill(population)
        query = """query ($first: Int, $after: String) {
            cohort(measure: "diabetes-a1c-tested") { gaps(first: $first, after: $after) {
                nodes { patient { id } } pageInfo { hasNextPage endCursor } } } }"""
        seen, after, pages = [], None, 0
        while True:
            answer = await population.ask(query, first=3, after=after)
            page = answer["data"]["cohort"]["gaps"]
            seen += [population.name_of(node["patient"]["id"]) for node in page["nodes"]]
            pages, after = pages + 1, page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert (seen, pages) == (["fay", "cid", "bob", "ada"], 2)

    async def test_only_who_is_shown_was_read(self, population):
        await self.fill(population)
        query = """{ cohort(measure: "diabetes-a1c-tested") {
            gaps(first: 2) { nodes { patient { id } } pageInfo { hasNextPage } } } }"""
        answer = await population.ask(query)
        assert answer["data"]["cohort"]["gaps"]["pageInfo"]["hasNextPage"] is True
        read = {population.name_of(id_) for id_ in answer["report"].patients}
        assert read == {"fay", "cid"}

    async def test_nothing_withheld_can_be_told_from_what_is_not_there(self, population):
        await self.fill(population)
        query = """{ cohort(measure: "diabetes-a1c-tested") {
            gaps(first: 4) { edges { cursor } pageInfo { hasNextPage } } } }"""
        answer = await population.ask(query)
        gaps = answer["data"]["cohort"]["gaps"]
        assert (len(gaps["edges"]), gaps["pageInfo"]["hasNextPage"]) == (4, False)

    async def test_can_be_asked_by_reason(self, population):
        high = observed("bob", A1C, "2026-11-01", 11)
        await population.export(*diabetic("ada"), *diabetic("bob"), high)
        query = """query ($r: [CareGapReason!]) { cohort(measure: "diabetes-a1c-controlled") {
            gaps(reasons: $r) { nodes { reason evidence { value { value code } } } } } }"""
        answer = await population.ask(query, r=["OUT_OF_RANGE"])
        (node,) = answer["data"]["cohort"]["gaps"]["nodes"]
        assert node["evidence"] == [{"value": {"value": "11", "code": "%"}}]

    async def test_of_another_list_is_no_place_in_this_one(self, population):
        await self.fill(population)
        first = '{ cohort(measure: "%s") { gaps(first: 1) { edges { cursor } } } }'
        answer = await population.ask(first % "influenza-vaccination")
        (edge,) = answer["data"]["cohort"]["gaps"]["edges"]
        query = """query ($a: String) {
            cohort(measure: "diabetes-a1c-tested") { gaps(after: $a) { nodes { id } } } }"""
        assert await population.ask(query, a=edge["cursor"]) == await population.ask(query)

    async def test_of_no_measure(self, population):
        answer = await population.ask('{ cohort(measure: "leeches") { asOf } }')
        assert answer["data"] == {"cohort": None}
        assert "errors" not in answer


async def test_tells_where_it_is_from_and_how_sensitive_it_is(population):
    row, disease = diabetic("ada")
    await population.export(row, labelled(disease, "R", "PSY"))
    links = population.crosswalk.seal_links(
        population.id_of("ada"), population.members["ada"], BORN
    )
    representation = {"__typename": "Patient", "id": population.id_of("ada"), "links": links}
    query = """query ($r: [_Any!]!) { _entities(representations: $r) { ... on Patient {
        careGaps(measures: ["diabetes-a1c-tested"]) { nodes {
            asOf provenance { source receivedAt } securityLabels { code } } } } } }"""
    answer = await population.ask(query, herself("ada"), r=[representation])
    (gap,) = answer["data"]["_entities"][0]["careGaps"]["nodes"]
    assert gap["provenance"] == [{"source": "ehr", "receivedAt": gap["asOf"]}]
    assert [label["code"] for label in gap["securityLabels"]] == ["PSY", "R"]


async def test_whoever_was_merged_since_is_one_person(population):
    await population.export(*diabetic("ada"), *diabetic("bob"))
    assert sorted(await population.cohort(TESTED)) == ["ada", "bob"]
    # The index learnt it after the last export.
    population.members["ada"] = population.members["bob"] = (
        population.members["ada"] | population.members["bob"]
    )
    known = population.id_of("ada")
    population.id_of = lambda _: known
    answer = await population.ask(
        '{ cohort(measure: "diabetes-a1c-tested") { gaps { nodes { patient { id } } } } }'
    )
    ids = [node["patient"]["id"] for node in answer["data"]["cohort"]["gaps"]["nodes"]]
    assert ids == [known]


async def test_before_any_export_says_to_ask_again(population):
    for query in ('{ measure(id: "influenza-vaccination") { asOf } }', "{ measures { asOf } }"):
        answer = await population.ask(query)
        extensions = answer["errors"][0]["extensions"]
        assert (extensions["code"], extensions["retryable"]) == ("SOURCE_UNAVAILABLE", True)
        assert "chartgraph insight status" in extensions["hint"]
    # What the measures are is known at once.
    answer = await population.ask("{ measures { id title gap steward period version } }")
    assert len(answer["data"]["measures"]) == 6
