"""`_entities`, through the whole ASGI application."""

import json

import pytest

from contract.context import Caller

NOTES = """... on Patient { id notes {
  nodes { id text sources } pageInfo { hasNextPage } sources { source state } } }"""
NOTE = "... on Note { id text }"


def codes(answer):
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def test_answers_mixed_types_in_order_and_loads_each_group_once(notes, wire):
    notes.north.resources = [
        wire("1", "n-ada", text="hello"),
        wire("2", "n-bob", text="there"),
    ]
    hello, there = notes.id_of("north", "1", "n-ada"), notes.id_of("north", "2", "n-bob")
    answer = await notes.entities(
        NOTES + NOTE,
        {"__typename": "Note", "id": there},
        notes.patient("bob"),
        {"__typename": "Note", "id": hello},
        notes.patient("ada"),
    )
    assert "errors" not in answer
    got = [entity.get("text") or entity["id"] for entity in answer["data"]["_entities"]]
    assert got == ["there", "bob", "hello", "ada"]
    # All patients of all representations in one call per source, although two groups asked.
    assert notes.north.asked == [["n-ada", "n-bob"]]
    assert notes.south.asked == [["s-ada"]]
    assert len(notes.facts.asked) == 1


async def test_an_unknown_type_spoils_only_its_own_item(notes):
    answer = await notes.entities(
        NOTES, {"__typename": "Nobody", "id": "1"}, notes.patient("ada"), {}, 7
    )
    assert [entity and entity["id"] for entity in answer["data"]["_entities"]] == [
        None,
        "ada",
        None,
        None,
    ]
    assert codes(answer) == ["BAD_REQUEST"] * 3
    assert [error["path"] for error in answer["errors"]] == [
        ["_entities", 0],
        ["_entities", 2],
        ["_entities", 3],
    ]


async def test_a_bad_id_spoils_only_its_own_item(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="hello")]
    good = notes.id_of("north", "1", "n-ada")
    gone = notes.id_of("north", "9", "n-ada")
    stranger = notes.id_of("north", "1", "n-nobody")
    representations = [
        {"__typename": "Note", "id": id_} for id_ in ("nonsense", good, None, gone, stranger)
    ]
    answer = await notes.entities(NOTE, *representations)
    assert [bool(entity) for entity in answer["data"]["_entities"]] == [False, True] + [False] * 3
    assert codes(answer) == ["NOT_FOUND"] * 4


async def test_takes_camel_case_fields_of_requires(notes):
    answer = await notes.entities(
        "... on Patient { donorNote }", notes.patient("ada", bloodGroup="0")
    )
    assert answer["data"]["_entities"][0]["donorNote"] == "group 0"


async def test_the_same_body_can_be_sent_twice(notes, wire):
    # Strawberry's own resolver takes __typename out of the caller's variables.
    notes.north.resources = [wire("1", "n-ada", text="hello")]
    first = await notes.entities(NOTES, notes.patient("ada"))
    assert await notes.entities(NOTES, notes.patient("ada")) == first


async def test_links_of_another_patient_are_not_found(notes):
    mixed = {**notes.patient("ada"), "id": "bob"}
    for representation in (mixed, {"__typename": "Patient", "id": "ada"}):
        answer = await notes.entities(NOTES, representation)
        assert answer["data"]["_entities"][0]["notes"] is None
        assert codes(answer) == ["NOT_FOUND"]
    assert notes.north.asked == []


async def test_reports_whose_records_were_read(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="hello")]
    answer = await notes.entities(NOTES, notes.patient("ada"), notes.patient("bob"))
    assert answer["report"].patients == ("ada", "bob")


async def test_a_patient_out_of_the_launch_compartment_is_empty_and_never_fetched(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="hello"), wire("2", "n-bob", text="there")]
    caller = Caller(
        subject="p", roles=("patient",), scopes=("patient/*.rs",), patient="south/s-ada"
    )
    note = {"__typename": "Note", "id": notes.id_of("north", "2", "n-bob")}
    answer = await notes.entities(
        NOTES + NOTE, notes.patient("ada"), notes.patient("bob"), note, caller=caller
    )
    ada, bob, hidden = answer["data"]["_entities"]
    assert [node["text"] for node in ada["notes"]["nodes"]] == ["hello"]
    assert bob["notes"] == {"nodes": [], "pageInfo": {"hasNextPage": False}, "sources": []}
    assert hidden is None
    assert codes(answer) == ["NOT_FOUND"]
    assert notes.north.asked == [["n-ada"]]
    report = answer["report"]
    assert report.patients == ("ada",)
    assert [(r.type, r.reason, r.patient) for r in report.refusals] == [
        ("Note", "compartment", "bob")
    ]


async def test_every_way_to_a_record_gives_the_same_decision(notes, wire):
    notes.north.resources = [wire("1", "n-ada", "HIV", text="secret"), wire("2", "n-ada", text="x")]
    hidden, plain = notes.id_of("north", "1", "n-ada"), notes.id_of("north", "2", "n-ada")
    ways = [notes.patient("ada"), *({"__typename": "Note", "id": id_} for id_ in (hidden, plain))]
    answer = await notes.entities(NOTES + NOTE, *ways)
    patient, by_id, other = answer["data"]["_entities"]
    assert [node["text"] for node in patient["notes"]["nodes"]] == ["x"]
    assert (by_id, other["text"], codes(answer)) == (None, "x", ["NOT_FOUND"])
    herself = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient="north/n-ada")
    answer = await notes.entities(NOTES + NOTE, *ways, caller=herself)
    patient, by_id, _ = answer["data"]["_entities"]
    assert {node["text"] for node in patient["notes"]["nodes"]} == {"secret", "x"}
    assert by_id["text"] == "secret"


@pytest.mark.parametrize("id_", ["", "a/b", "a,b", "a|b", "a\x1fb", "a b", "a\nb", "x" * 129, 7])
async def test_an_id_that_is_none_marks_the_source(notes, wire, id_):
    notes.north.resources = [{**wire("1", "n-ada", text="x"), "id": id_}]
    answer = await notes.entities(NOTES, notes.patient("ada"))
    assert answer["data"]["_entities"][0]["notes"]["nodes"] == []
    assert answer["data"]["_entities"][0]["notes"]["sources"][0]["state"] == "INVALID"


async def test_decimals_stay_exact(notes, wire):
    body = json.loads('{"value": "72.50", "unit": "kg"}')
    notes.north.resources = [wire("1", "n-ada", text="hello", value=body)]
    answer = await notes.entities(
        "... on Patient { notes { nodes { value { value unit } } } }", notes.patient("ada")
    )
    assert answer["data"]["_entities"][0]["notes"]["nodes"][0]["value"] == {
        "value": "72.50",
        "unit": "kg",
    }
