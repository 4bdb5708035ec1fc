"""Rows of several sources: merged, filtered, paged, and honest about their sources."""

import random

import pytest

from contract.context import Caller
from subgraphs.connectors.errors import RateLimited, Refused, TimedOut, Unreachable

PAGE = """... on Patient { notes(first: $n, after: $a) {
  edges { cursor node { text } } nodes { text sources }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  sources { source state asOf } } }"""
QUERY = f"query($r:[_Any!]!,$n:Int,$a:String){{_entities(representations:$r){{ {PAGE} }}}}"
PATIENT = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient="north/n-ada")


async def ada(notes, caller=None, first=None, after=None):
    answer = await notes.ask(QUERY, caller, r=[notes.patient("ada")], n=first, a=after)
    found = answer["data"]["_entities"][0]["notes"]
    return found, answer


def texts(found):
    return [node["text"] for node in found["nodes"]]


async def test_the_same_fact_of_two_sources_is_one_node(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="flu", date="2020")]
    notes.south.resources = [
        wire("7", "s-ada", text="flu", date="2020"),
        wire("8", "s-ada", text="flu", date="2021"),
    ]
    found, _ = await ada(notes)
    assert found["nodes"] == [
        {"text": "flu", "sources": ["south"]},
        {"text": "flu", "sources": ["north", "south"]},
    ]


async def test_the_order_a_source_answers_in_does_not_matter(notes, wire):
    north = [wire(str(i), "n-ada", text=f"t{i % 3}", date="2020") for i in range(6)]
    south = [wire(str(i), "s-ada", text=f"t{i % 4}", date="2020") for i in range(6)]
    notes.north.resources, notes.south.resources = north, south
    expected, _ = await ada(notes)
    for seed in range(4):
        random.Random(seed).shuffle(north)
        random.Random(seed + 9).shuffle(south)
        assert (await ada(notes))[0] == expected


async def test_two_records_of_one_source_are_never_merged(notes, wire):
    notes.north.resources = [wire(i, "n-ada", text="flu", date="2020") for i in ("1", "2")]
    notes.south.resources = [wire("7", "s-ada", text="flu", date="2020")]
    found, _ = await ada(notes)
    assert sorted(node["sources"] for node in found["nodes"]) == [["north"], ["north", "south"]]


async def test_both_ids_of_a_merged_fact_resolve_to_the_same_node(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="flu", date="2020")]
    notes.south.resources = [wire("7", "s-ada", text="flu", date="2020")]
    ids = [notes.id_of("north", "1", "n-ada"), notes.id_of("south", "7", "s-ada")]
    representations = [{"__typename": "Note", "id": id_} for id_ in ids]
    answer = await notes.entities("... on Note { id sources }", *representations)
    one, other = answer["data"]["_entities"]
    assert one == other
    assert one["sources"] == ["north", "south"]


async def test_a_fact_is_found_by_id_while_another_source_is_down(notes, wire):
    notes.north.error = Unreachable("down")
    notes.south.resources = [wire("7", "s-ada", text="flu")]
    found, lost = (notes.id_of("south", "7", "s-ada"), notes.id_of("north", "1", "n-ada"))
    answer = await notes.entities(
        "... on Note { text }",
        {"__typename": "Note", "id": found},
        {"__typename": "Note", "id": lost},
    )
    assert answer["data"]["_entities"] == [{"__typename": "Note", "text": "flu"}, None]
    # It may well exist: its source did not answer.
    assert answer["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"


async def test_retracted_records_are_no_facts(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="void"), wire("2", "n-ada", text="flu")]
    assert texts((await ada(notes))[0]) == ["flu"]


async def test_one_source_down_leaves_the_other_s_rows_and_says_so(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="flu")]
    notes.south.error = TimedOut("late")
    found, answer = await ada(notes)
    assert "errors" not in answer
    assert texts(found) == ["flu"]
    assert found["sources"] == [
        {"source": "north", "state": "OK", "asOf": "2026-11-22T00:00:00Z"},
        {"source": "south", "state": "TIMEOUT", "asOf": None},
    ]


@pytest.mark.parametrize(
    ("error", "code", "state", "retryable"),
    [
        (Unreachable("x"), "SOURCE_UNAVAILABLE", "UNAVAILABLE", True),
        (TimedOut("x"), "SOURCE_TIMEOUT", "TIMEOUT", True),
        (Refused("x"), "SOURCE_REFUSED", "REFUSED", False),
    ],
)
async def test_all_sources_down_is_null_with_an_error(notes, error, code, state, retryable):
    notes.north.error = notes.south.error = error
    found, answer = await ada(notes)
    assert found is None
    (shown,) = answer["errors"]
    assert shown["path"] == ["_entities", 0, "notes"]
    extensions = shown["extensions"]
    assert (extensions["code"], extensions["source"], extensions["state"]) == (code, "north", state)
    assert extensions["retryable"] is retryable
    assert [source["source"] for source in extensions["sources"]] == ["north", "south"]


async def test_tells_how_long_to_wait(notes):
    notes.north.error = RateLimited("x", retry_after=7)
    notes.south.error = RateLimited("x", retry_after=3)
    _, answer = await ada(notes)
    assert answer["errors"][0]["extensions"]["retryAfter"] == 3


@pytest.mark.parametrize(
    "broken",
    [
        {"text": ["not", "text"]},
        {"subject": {"reference": "Patient/someone-else"}},
        {"subject": None},
    ],
)
async def test_an_unreadable_or_foreign_record_marks_the_source(notes, wire, broken):
    notes.north.resources = [
        wire("1", "n-ada", text="flu"),
        {**wire("2", "n-ada", text="secret"), **broken},
    ]
    found, _ = await ada(notes)
    assert texts(found) == ["flu"]
    assert {s["source"]: s["state"] for s in found["sources"]} == {
        "north": "INVALID",
        "south": "OK",
    }


async def test_pages_in_order_and_cursors_survive_insertions(notes, wire):
    notes.north.resources = [
        wire(f"{i}", "n-ada", text=f"t{i}", date=f"20{i}") for i in range(10, 15)
    ]
    first, _ = await ada(notes, first=2)
    assert texts(first) == ["t14", "t13"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["pageInfo"]["hasPreviousPage"] is False
    cursor = first["pageInfo"]["endCursor"]
    assert cursor == first["edges"][-1]["cursor"]
    notes.north.resources.append(wire("99", "n-ada", text="new", date="2099"))
    del notes.north.resources[3]  # t13, the very row the cursor names
    second, _ = await ada(notes, first=2, after=cursor)
    assert texts(second) == ["t12", "t11"]
    assert second["pageInfo"]["hasPreviousPage"] is True
    last, _ = await ada(notes, first=2, after=second["pageInfo"]["endCursor"])
    assert texts(last) == ["t10"]
    assert last["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("after", ["", "x", "AAAA"])
async def test_a_made_up_cursor_is_as_none(notes, wire, after):
    notes.north.resources = [wire("1", "n-ada", text="flu"), wire("2", "n-ada", text="gout")]
    assert await ada(notes, first=1, after=after) == await ada(notes, first=1)


async def test_a_cursor_belongs_to_its_patient(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="flu"), wire("2", "n-bob", text="flu")]
    cursor = (await ada(notes, first=1))[0]["pageInfo"]["endCursor"]
    whole = await notes.ask(QUERY, r=[notes.patient("bob")])
    assert await notes.ask(QUERY, r=[notes.patient("bob")], a=cursor) == whole


@pytest.mark.parametrize(
    ("first", "shown"), [(-1, 50), (0, 0), (200, 200), (201, 200), (2**31 - 1, 200)]
)
async def test_a_page_has_its_bounds(notes, wire, first, shown):
    notes.north.resources = [wire(f"{i}", "n-ada", text=f"t{i}") for i in range(201)]
    page, _ = await ada(notes, first=first)
    assert (len(texts(page)), page["pageInfo"]["hasNextPage"]) == (shown, True)


async def test_a_hidden_row_leaves_no_trace(notes, wire):
    plain = [wire(f"{i}", "n-ada", text=f"t{i}", date=f"202{i}") for i in range(3)]
    notes.north.resources = plain
    without, _ = await ada(notes, first=2)
    notes.north.resources = [*plain, wire("9", "n-ada", "42CFRPart2", text="s", date="2029")]
    with_hidden, answer = await ada(notes, first=2)
    assert with_hidden == without
    assert [(r.reason, r.patient) for r in answer["report"].refusals] == [("label", "ada")]


async def test_sensitive_records_are_the_patient_s_own(notes, wire):
    notes.north.resources = [wire("1", "n-ada", "HIV", text="s")]
    assert texts((await ada(notes, PATIENT))[0]) == ["s"]
    staff = Caller(subject="c", roles=("clinician",), scopes=("user/*.rs",))
    backend = Caller(subject="b", scopes=("system/*.cruds",))
    # An application with the patient's scopes is not the patient; nor is her proxy.
    partner = Caller(
        subject="a", roles=("partner-app",), scopes=PATIENT.scopes, patient="north/n-ada"
    )
    proxy = Caller(
        subject="m",
        roles=("patient",),
        scopes=PATIENT.scopes,
        patient="north/n-ada",
        fhir_user="north/RelatedPerson/7",
    )
    for caller in (staff, backend, partner, proxy):
        assert texts((await ada(notes, caller))[0]) == []


@pytest.mark.parametrize(
    ("fhir_user", "herself"),
    [
        (None, True),
        ("Patient/n-ada", True),
        ("north/Patient/n-ada", True),
        ("south/Patient/s-ada", True),
        ("south/Patient/n-ada", False),
        ("north/Patient/n-bob", False),
        ("north/Practitioner/n-ada", False),
        ("", False),
    ],
)
async def test_the_patient_is_who_the_token_says_signed_in(notes, wire, fhir_user, herself):
    notes.north.resources = [wire("1", "n-ada", "HIV", text="s")]
    caller = Caller(
        "p",
        roles=("patient",),
        scopes=("patient/*.rs",),
        patient="north/n-ada",
        fhir_user=fhir_user,
    )
    assert texts((await ada(notes, caller))[0]) == (["s"] if herself else [])


async def test_a_label_holds_for_the_other_source_s_copy(notes, wire):
    notes.north.resources = [wire("1", "n-ada", "SUD", text="s", date="2020")]
    notes.south.resources = [
        wire("7", "s-ada", text="s", date="2020"),
        wire("8", "s-ada", text="s", date="2024"),
    ]
    assert texts((await ada(notes))[0]) == []


async def test_a_label_spreads_by_what_any_source_says_a_fact_is_about(notes, wire):
    notes.north.resources = [
        wire("1", "n-ada", "SUD", text="s", date="2020"),
        wire("2", "n-ada", text="t", date="2024", category="x"),
    ]
    notes.south.resources = [wire("7", "s-ada", text="s", date="2020", category="x")]
    assert texts((await ada(notes))[0]) == []


async def test_a_granular_scope_filters_record_by_record(notes, wire):
    notes.north.resources = [
        wire("1", "n-ada", text="a", category="vital-signs"),
        wire("2", "n-ada", text="b", category="laboratory"),
    ]
    caller = Caller(
        subject="p",
        scopes=("patient/Note.rs?category=vital-signs",),
        patient="north/n-ada",
    )
    found, answer = await ada(notes, caller)
    assert texts(found) == ["a"]
    assert [r.reason for r in answer["report"].refusals] == ["scope"]


@pytest.mark.parametrize(
    ("caller", "seen", "reason"),
    [
        (Caller(subject="n", roles=("nurse",), scopes=("user/Note.rs",)), True, None),
        (Caller(subject="n", roles=("nurse",), scopes=("user/Other.rs",)), False, "scope"),
        (Caller(subject="n", roles=("biller",), scopes=("user/*.rs",)), False, "role"),
        (Caller(subject="n", roles=("visitor",), scopes=("user/*.rs",)), False, "role"),
        (Caller(subject="n", scopes=("system/Note.read",)), True, None),
        (Caller(subject="n", scopes=("system/Note.r",)), False, "scope"),
        (Caller(subject="n", scopes=("patient/*.rs",)), False, "compartment"),
        (
            Caller(subject="n", scopes=("patient/*.rs",), patient="north/n-bob"),
            False,
            "compartment",
        ),
    ],
)
async def test_scope_role_and_compartment(notes, wire, caller, seen, reason):
    notes.north.resources = [wire("1", "n-ada", text="a")]
    found, answer = await ada(notes, caller)
    assert texts(found) == (["a"] if seen else [])
    assert [r.reason for r in answer["report"].refusals] == ([reason] if reason else [])
    assert answer["report"].patients == (("ada",) if seen else ())
