"""What a client learns of a subgraph that fails, and what it never does."""

import json

import pytest

from gateway.execution.client import SubgraphInvalidResponse, SubgraphUnavailable
from gateway.execution.project import MAX_ERRORS, MAX_PLACES
from gateway.planning.plan import (
    EntityCall,
    Rename,
    Representation,
    RequiredField,
    SequenceNode,
)
from tests.gateway.execution.kit import (
    Client,
    Subgraphs,
    data,
    entities,
    fetch,
    fetch_entities,
    path,
    run,
)

SECRET = "Lovelace 123-45-6789"

CLIENT = Client.of(
    """
    type Query { patients: [Patient] me: Patient only: Only any: Any other: String }
    union Only = Patient
    union Any = Patient | Visit
    type Patient { id: ID! name: String visits: [Visit!] next: Visit! }
    type Visit { id: ID! status: String }
    """
)
QUERY = "{ patients { id name } other }"
ROWS = data(patients=[{"id": "1"}, {"id": "2"}], other="intact")
NODE = SequenceNode((fetch("a"), fetch_entities("b", path("patients"))))


async def ask(b, *, a=ROWS, node=NODE, query=QUERY):
    return CLIENT.project(query, await run(node, Subgraphs({"a": a, "b": b})))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(SubgraphUnavailable("down"), "SUBGRAPH_UNAVAILABLE", id="down"),
        pytest.param(SubgraphInvalidResponse("no"), "SUBGRAPH_INVALID_RESPONSE", id="refused"),
        pytest.param(b"<html>502</html>", "SUBGRAPH_INVALID_RESPONSE", id="HTML"),
        pytest.param(b"", "SUBGRAPH_INVALID_RESPONSE", id="empty"),
        pytest.param(b"null", "SUBGRAPH_INVALID_RESPONSE", id="null"),
        pytest.param(b"[]", "SUBGRAPH_INVALID_RESPONSE", id="a list"),
        pytest.param(b"{}", "SUBGRAPH_INVALID_RESPONSE", id="no GraphQL"),
        pytest.param(b'{"data": {"x": "\xff"}}', "SUBGRAPH_INVALID_RESPONSE", id="not UTF-8"),
        pytest.param(b'{"data": ' + b"[" * 9000, "SUBGRAPH_INVALID_RESPONSE", id="a deep hole"),
        pytest.param(b'{"data": 1e99999999999999999999}', "SUBGRAPH_INVALID_RESPONSE", id="huge"),
        pytest.param({"data": None}, "SUBGRAPH_INVALID_RESPONSE", id="null data"),
        pytest.param({"data": []}, "SUBGRAPH_INVALID_RESPONSE", id="data of another kind"),
        pytest.param(data(_entities=None), "SUBGRAPH_INVALID_RESPONSE", id="no entities"),
        pytest.param(data(_entities=[{}]), "SUBGRAPH_INVALID_RESPONSE", id="too few"),
        pytest.param(data(_entities=[{}] * 3), "SUBGRAPH_INVALID_RESPONSE", id="too many"),
        pytest.param(data(_entities={"0": {}}), "SUBGRAPH_INVALID_RESPONSE", id="no list"),
        pytest.param(data(_entities=["x", 5]), "SUBGRAPH_INVALID_RESPONSE", id="no objects"),
        pytest.param({"errors": "x", "data": None}, "SUBGRAPH_INVALID_RESPONSE", id="no errors"),
        pytest.param({"errors": [{"message": SECRET}]}, "SUBGRAPH_ERROR", id="errors alone"),
        pytest.param({"errors": [5]}, "SUBGRAPH_ERROR", id="an error that is none"),
    ],
)
async def test_the_rest_of_the_answer_is_intact(answer, code):
    completed, errors = await ask(answer)
    assert completed == {
        "patients": [{"id": "1", "name": None}, {"id": "2", "name": None}],
        "other": "intact",
    }
    assert errors == [(code, ("patients", 0, "name")), (code, ("patients", 1, "name"))]


async def test_one_bad_entity_does_not_spoil_the_others():
    completed, errors = await ask(data(_entities=[{"name": "Ada"}, "junk"]))
    assert [each["name"] for each in completed["patients"]] == ["Ada", None]
    assert errors == [("SUBGRAPH_INVALID_RESPONSE", ("patients", 1, "name"))]


async def test_an_entity_that_is_not_there_is_no_error():
    completed, errors = await ask(data(_entities=[{"name": "Ada"}, None]))
    assert [each["name"] for each in completed["patients"]] == ["Ada", None]
    assert errors == []


async def test_an_entitys_error_is_told_at_each_of_its_places():
    rows = data(patients=[{"id": "1"}, {"id": "2"}, {"id": "1"}])
    error = {"message": "no", "path": ["_entities", 0, "name"]}
    answer = {"data": {"_entities": [{"name": None}, {"name": "Bob"}]}, "errors": [error]}
    _, errors = await ask(answer, a=rows)
    assert errors == [
        ("SUBGRAPH_ERROR", ("patients", 0, "name")),
        ("SUBGRAPH_ERROR", ("patients", 2, "name")),
    ]


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(["_entities", 1], id="the entity"),
        pytest.param(["_entities", 1, "name"], id="the field"),
    ],
)
async def test_a_failed_entity(where):
    answer = {
        "data": {"_entities": [{"name": "Ada"}, None]},
        "errors": [{"message": "no", "path": where}],
    }
    _, errors = await ask(answer)
    assert errors == [("SUBGRAPH_ERROR", ("patients", 1, "name"))]


@pytest.mark.parametrize(
    "where",
    [None, "x", [], ["_entities"], ["_entities", 7], ["_entities", -1], ["elsewhere"], [{}, 1.5]],
)
async def test_an_error_with_no_usable_path_is_told_where_something_is_missing(where):
    answer = {
        "data": {"_entities": [{"name": "Ada"}, None]},
        "errors": [{"message": "no", "path": where}],
    }
    _, errors = await ask(answer)
    assert errors == [("SUBGRAPH_ERROR", ("patients", 1, "name"))]


async def test_a_failed_root_is_told_at_the_fields_it_left_out():
    completed, errors = await ask(None, a=SubgraphUnavailable("down"))
    assert completed == {"patients": None, "other": None}
    assert errors == [
        ("SUBGRAPH_UNAVAILABLE", ("patients",)),
        ("SUBGRAPH_UNAVAILABLE", ("other",)),
    ]


async def test_a_root_error_keeps_its_path():
    answer = {
        "data": {"patients": [{"id": "1", "name": None}]},
        "errors": [{"message": "no", "path": ["patients", 0, "name"]}],
    }
    _, errors = await ask(entities(lambda _: None), a=answer, query="{ patients { name } }")
    assert errors == [("SUBGRAPH_ERROR", ("patients", 0, "name"))]


async def test_an_error_below_a_renamed_key_has_the_clients_name():
    answer = {
        "data": {"me": {"_0": None}},
        "errors": [{"message": "no", "path": ["me", "_0"]}],
    }
    node = fetch("a", renames=(Rename(path("me"), "_0", "name"),))
    completed, errors = await ask(None, a=answer, node=node, query="{ me { name } }")
    assert (completed, errors) == ({"me": {"name": None}}, [("SUBGRAPH_ERROR", ("me", "name"))])


@pytest.mark.parametrize("key", ["only", "any"])
async def test_an_error_below_an_abstract_type_keeps_its_path(key):
    answer = {
        "data": {key: {"__typename": "Patient", "name": None}},
        "errors": [{"message": "no", "path": [key, "name"]}],
    }
    query = f"{{ {key} {{ __typename ... on Patient {{ name }} }} }}"
    _, errors = await ask(None, a=answer, node=fetch("a"), query=query)
    assert errors == [("SUBGRAPH_ERROR", (key, "name"))]


async def test_what_only_the_plan_asked_for_is_never_named():
    """`links` is fetched for the next subgraph; the client does not know that there is such."""
    me = {
        "data": {"me": {"id": None, "links": None}},
        "errors": [{"message": "no", "path": ["me", "links"]}],
    }
    node = SequenceNode((fetch("a"), fetch_entities("b", path("me"))))
    completed, errors = await ask(None, a=me, node=node, query="{ me { name } }")
    assert completed == {"me": {"name": None}}
    assert errors == [("SUBGRAPH_ERROR", ("me", "name"))]


async def test_an_error_that_leaves_nothing_out_is_still_told():
    me = {"data": {"me": {"name": "Ada"}}, "errors": [{"message": "slow"}]}
    completed, errors = await ask(None, a=me, node=fetch("a"), query="{ me { name } }")
    assert (completed, errors) == ({"me": {"name": "Ada"}}, [("SUBGRAPH_ERROR", None)])


async def test_a_fault_explains_the_null_it_causes():
    """The subgraph's error is told, and not another one for the promise it breaks."""
    me = data(me={"id": "1"})
    node = SequenceNode((fetch("a"), fetch_entities("b", path("me"))))
    down = SubgraphUnavailable("down")
    completed, errors = await ask(down, a=me, node=node, query="{ me { id next { id } } }")
    assert completed == {"me": None}
    assert errors == [("SUBGRAPH_UNAVAILABLE", ("me", "next"))]


FAR = Client.of("type Query { me: Me } type Me { note: String boss: Boss } type Boss { id: ID }")


def far_away(b):
    """`note` needs what `b` knows of the boss, and comes from `c`."""
    required = RequiredField("boss", "boss", (RequiredField("name", "name"),))
    representation = Representation(("Me",), "Me", ("id",), (RequiredField("id", "id"), required))
    note = EntityCall("_entities", "representations", (path("me"),), (representation,))
    plan = SequenceNode(
        (
            fetch("a"),
            fetch_entities("b", path("me", "boss"), type_="Boss"),
            fetch("c", entities=(note,)),
        )
    )
    a = data(me={"id": "1", "boss": {"id": "2"}})
    return run(plan, Subgraphs({"a": a, "b": b, "c": entities(lambda _: {"note": "x"})}))


async def test_a_fault_is_told_where_a_requirement_fails_for_it():
    fetched = await far_away(SubgraphUnavailable("down"))
    completed, errors = FAR.project("{ me { note } }", fetched)
    assert completed == {"me": {"note": None}}
    assert errors == [("SUBGRAPH_UNAVAILABLE", ("me", "note"))]


async def test_an_entity_that_is_not_asked_for_without_any_fault_is_no_error():
    fetched = await far_away(data(_entities=[None]))
    assert FAR.project("{ me { note } }", fetched) == ({"me": {"note": None}}, [])


async def test_a_key_that_is_null_for_an_error_explains_what_it_leaves_out():
    me = {
        "data": {"me": {"id": None}},
        "errors": [{"message": "no", "path": ["me", "id"]}],
    }
    node = SequenceNode((fetch("a"), fetch_entities("b", path("me"))))
    _, errors = await ask(None, a=me, node=node, query="{ me { name } }")
    assert errors == [("SUBGRAPH_ERROR", ("me", "name"))]


async def test_a_subgraphs_own_words_stay_inside():
    error = {
        "message": SECRET,
        "path": ["me"],
        "extensions": {"code": "DOWNSTREAM", "stacktrace": [SECRET], "serviceName": "b"},
        "locations": [{"line": 1, "column": 1}],
    }
    fetched = await run(fetch("a"), Subgraphs({"a": {"data": None, "errors": [error]}}))
    [told] = fetched.errors
    assert told.fault.code == "SUBGRAPH_ERROR"
    assert SECRET not in repr(fetched)
    assert told.fault.extensions == {}


async def test_our_subgraphs_words_are_passed_on():
    error = {
        "message": "Lakeside General did not answer in time.",
        "path": ["me"],
        "extensions": {
            "code": "SOURCE_TIMEOUT",
            "source": "ehr-a",
            "state": "TIMEOUT",
            "retryable": True,
            "retryAfter": 2.5,
            "sources": [{"source": "ehr-a", "state": "TIMEOUT", "url": SECRET}, SECRET],
            "stacktrace": [SECRET],
        },
    }
    fetched = await run(fetch("a"), Subgraphs({"a": {"data": {"me": None}, "errors": [error]}}))
    fault = fetched.errors[0].fault
    assert (fault.code, fault.message) == ("SOURCE_TIMEOUT", error["message"])
    assert fault.extensions == {
        "source": "ehr-a",
        "state": "TIMEOUT",
        "retryable": True,
        "retryAfter": 2.5,
        "sources": [{"source": "ehr-a", "state": "TIMEOUT"}],
    }


async def test_bad_input_is_told_by_the_arguments_name_alone():
    error = {"message": SECRET, "extensions": {"code": "BAD_USER_INPUT", "argument": "after"}}
    fetched = await run(fetch("a"), Subgraphs({"a": {"errors": [error]}}))
    fault = fetched.errors[0].fault
    assert (fault.code, fault.extensions) == ("BAD_USER_INPUT", {"argument": "after"})
    assert SECRET not in repr(fetched)


@pytest.mark.parametrize("code", ["INTERNAL", "BAD_USER_INPUT", "NO_SUCH", 5, None, ["NOT_FOUND"]])
async def test_other_codes_do_not_open_a_way_out(code):
    error = {"message": SECRET, "extensions": {"code": code, "source": SECRET}}
    fetched = await run(fetch("a"), Subgraphs({"a": {"errors": [error]}}))
    assert SECRET not in repr(fetched)


async def test_a_flood_of_errors_is_cut():
    flood = [{"message": "x", "path": ["patients", i, "name"]} for i in range(10_000)]
    rows = {"data": {"patients": [{"name": None}] * 10_000}, "errors": flood}
    _, errors = await ask(None, a=rows, node=fetch("a"), query="{ patients { name } }")
    assert 0 < len(errors) <= MAX_ERRORS


async def test_one_fault_does_not_crowd_out_another():
    rows = data(patients=[{"id": str(number)} for number in range(1000)])
    node = SequenceNode((fetch("a"), fetch_entities("b", path("patients")), fetch("c")))
    down = SubgraphUnavailable("down")
    fetched = await run(node, Subgraphs({"a": rows, "b": down, "c": {"errors": [{}]}}))
    _, errors = CLIENT.project(QUERY, fetched)
    names = [path for code, path in errors if code == "SUBGRAPH_UNAVAILABLE"]
    assert names == [("patients", number, "name") for number in range(MAX_PLACES)]
    assert [path for code, path in errors if code == "SUBGRAPH_ERROR"] == [("other",)]


async def test_a_fault_told_often_enough_still_explains_its_nulls():
    rows = data(patients=[{"id": str(number)} for number in range(MAX_PLACES * 2)])
    fetched = await run(NODE, Subgraphs({"a": rows, "b": SubgraphUnavailable("down")}))
    completed, errors = CLIENT.project("{ patients { next { id } } }", fetched)
    assert completed == {"patients": [None] * MAX_PLACES * 2}
    assert {code for code, _ in errors} == {"SUBGRAPH_UNAVAILABLE"}


async def test_messages_never_quote_the_answer():
    answers = [b'{"data": "' + SECRET.encode(), json.dumps({"data": SECRET}).encode()]
    for answer in answers:
        fetched = await run(fetch("a"), Subgraphs({"a": answer}))
        assert fetched.errors
        assert SECRET not in repr(fetched.errors)
