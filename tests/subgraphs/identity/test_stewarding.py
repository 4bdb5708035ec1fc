"""The stewards' part of the graph: reviews and decisions, over the sandbox."""

import pytest

from contract.context import Caller

STEWARD = Caller("steward-1", roles=("identity-steward",), scopes=("user/Patient.rs",))
DECIDED = """
  __typename
  ... on IdentityDecided { decision { kind by reason one other } patients { id version } }
  ... on StateConflict { code message }
  ... on Denied { code } ... on NotFound { code } ... on InvalidInput { code argument }
"""
TYPES = {
    "linkPatients": "LinkPatientsInput",
    "unlinkRecords": "UnlinkRecordsInput",
    "mergeRecords": "MergeRecordsInput",
    "unmergeRecord": "UnmergeRecordInput",
    "decideIdentityReview": "DecideIdentityReviewInput",
}
REVIEWS = """query($first: Int!, $after: String) { identityReviews(first: $first, after: $after) {
  nodes { id version points rule evidence { field level points }
    one { id source names { text } } other { id source } patients { id } candidates { id } }
  pageInfo { hasNextPage endCursor } } }"""
PERSON = """query($id: ID!) { patient(id: $id) { id version
  records { id source mergedTo } identityHistory { kind by reason } } }"""


class Steward:
    def __init__(self, graph):
        self.graph = graph
        self.keys = 0

    async def decide(self, mutation, caller=STEWARD, **given):
        self.keys += 1
        given = {"reason": "they called", "idempotencyKey": f"key-{self.keys}"} | given
        query = f"mutation($i: {TYPES[mutation]}!) {{ {mutation}(input: $i) {{ {DECIDED} }} }}"
        return await self.graph.ask("identity", query, caller, i=given)

    async def said(self, mutation, **given):
        answer = await self.decide(mutation, **given)
        assert answer.errors == []
        return answer.data[mutation]

    async def person(self, id_):
        return (await self.graph.ask("identity", PERSON, STEWARD, id=id_)).data["patient"]

    async def reviews(self, first=20, after=None):
        answer = await self.graph.ask("identity", REVIEWS, STEWARD, first=first, after=after)
        assert answer.errors == []
        return answer.data["identityReviews"]


@pytest.fixture
def steward(graph):
    return Steward(graph)


@pytest.fixture
async def two(graph):
    """Two people, of two records or more the first."""
    people = graph.truth["people"]
    one = next(person for person in people if len(person["ids"]) > 2)
    other = next(person for person in people if person["number"] != one["number"])
    found = []
    for person in (one, other):
        source, id_ = next(iter(person["ids"].items()))
        found.append((await graph.patient(source, id_))["id"])
    return found


async def test_link_and_unlink(steward, two):
    one, other = two
    before = [len((await steward.person(id_))["records"]) for id_ in two]
    linked = await steward.said("linkPatients", patient=one, other=other)
    assert linked["__typename"] == "IdentityDecided"
    assert linked["decision"] | {"one": 0, "other": 0} == {
        "kind": "LINK", "by": "steward-1", "reason": "they called", "one": 0, "other": 0,
    }  # fmt: skip
    assert (await steward.person(one))["id"] == (await steward.person(other))["id"]
    cut = await steward.said("unlinkRecords", records=linked["decision"]["other"])
    assert len(cut["patients"]) == 2
    assert [len((await steward.person(id_))["records"]) for id_ in two] == before
    history = (await steward.person(one))["identityHistory"]
    assert [each["kind"] for each in history] == ["UNLINK", "LINK"]


async def test_merge_and_unmerge(steward, two):
    record = (await steward.person(two[0]))["records"][0]["id"]
    await steward.said("mergeRecords", prior=record, surviving=two[1])
    person = await steward.person(record)
    (merged,) = [each for each in person["records"] if each["mergedTo"]]
    assert merged["id"] == record
    await steward.said("unmergeRecord", prior=record)
    assert not any(each["mergedTo"] for each in (await steward.person(record))["records"])


async def test_what_stands_in_the_way_is_said(steward, two):
    one, other = two
    again = await steward.said("linkPatients", patient=one, other=one)
    assert (again["__typename"], again["code"]) == ("StateConflict", "ALREADY")
    whole = [record["id"] for record in (await steward.person(one))["records"]]
    assert (await steward.said("unlinkRecords", records=whole))["code"] == "NOTHING_LEFT"
    assert (await steward.said("unlinkRecords", records=[one, other]))["code"] == "NOT_TOGETHER"
    assert (await steward.said("unmergeRecord", prior=one))["code"] == "NOT_MERGED"
    stale = await steward.said("linkPatients", patient=one, other=other, ifMatch="older")
    assert stale["code"] == "STALE"
    assert (await steward.person(one))["identityHistory"] == []


async def test_if_match_holds_for_what_was_read(steward, two):
    version = (await steward.person(two[0]))["version"]
    done = await steward.said("linkPatients", patient=two[0], other=two[1], ifMatch=version)
    assert done["__typename"] == "IdentityDecided"
    assert done["patients"][0]["version"] != version


async def test_a_key_does_it_once(steward, two):
    given = {"patient": two[0], "other": two[1], "idempotencyKey": "the same"}
    first = await steward.said("linkPatients", **given)
    assert await steward.said("linkPatients", **given) == first
    reused = await steward.said("linkPatients", **given | {"reason": "another"})
    assert reused["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len((await steward.person(two[0]))["identityHistory"]) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"reason": " "},
        {"reason": "x" * 1001},
        {"idempotencyKey": ""},
        {"idempotencyKey": "k" * 256},
    ],
)
async def test_what_is_no_reason_and_no_key_is_refused(steward, two, given):
    answer = await steward.decide("linkPatients", patient=two[0], other=two[1], **given)
    outcome = answer.data["linkPatients"]
    (wrong,) = given
    assert outcome == {"__typename": "InvalidInput", "code": "BAD_USER_INPUT", "argument": wrong}


async def test_an_unknown_id_is_not_found(steward, two):
    outcome = await steward.said("linkPatients", patient=two[0], other="nonsense")
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}
    outcome = await steward.said("decideIdentityReview", review=two[0], verdict="ONE")
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def test_nobody_else_decides_or_sees(steward, graph, two):
    clinician = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
    answer = await steward.decide("linkPatients", clinician, patient=two[0], other=two[1])
    assert answer.data["linkPatients"] == {"__typename": "Denied", "code": "FORBIDDEN"}
    for query in (
        "{ identityReviews { nodes { id } } }",
        "{ patients { nodes { records { id } } } }",
    ):
        assert "FORBIDDEN" in (await graph.ask("identity", query, clinician)).codes


async def test_the_queue_is_decided_one_by_one(steward, graph):
    queue = await steward.reviews()
    assert queue["nodes"], "the sandbox has people for a human to decide"
    points = [review["points"] for review in queue["nodes"]]
    assert points == sorted(points, reverse=True)
    paged, after = [], None
    for _ in queue["nodes"]:
        page = await steward.reviews(1, after)
        paged += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert [review["id"] for review in paged] == [review["id"] for review in queue["nodes"]]
    review = queue["nodes"][0]
    assert review["points"] == pytest.approx(sum(e["points"] for e in review["evidence"]), abs=0.5)
    assert review["one"]["id"] != review["other"]["id"]
    stale = await steward.said(
        "decideIdentityReview", review=review["id"], verdict="ONE", ifMatch="a.b"
    )
    assert stale["code"] == "STALE"
    done = await steward.said(
        "decideIdentityReview", review=review["id"], verdict="ONE", ifMatch=review["version"]
    )
    assert len(done["patients"]) == 1
    assert review["id"] not in [each["id"] for each in (await steward.reviews())["nodes"]]
    again = await steward.said("decideIdentityReview", review=review["id"], verdict="TWO")
    assert again["code"] == "NOT_TOGETHER"


async def test_a_cursor_of_another_list_is_as_none(steward):
    assert await steward.reviews(first=1, after="AAAA") == await steward.reviews(first=1)
