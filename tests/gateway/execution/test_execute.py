"""Running plans by hand: order, representations, merging, and who is told what."""

import asyncio
import json

import pytest

from gateway.operation.tree import OperationKind
from gateway.planning.plan import (
    ConditionNode,
    EntityCall,
    ParallelNode,
    Rename,
    Representation,
    RequiredField,
    RequiredFragment,
    SequenceNode,
)
from tests.gateway.execution.kit import (
    Subgraphs,
    data,
    entities,
    fetch,
    fetch_entities,
    path,
    represent,
    run,
)


async def test_nothing_to_fetch():
    fetched = await run(None, Subgraphs({}))
    assert (fetched.data, fetched.errors) == ({}, ())


async def test_sends_the_document_with_only_the_variables_it_passes_on():
    subgraphs = Subgraphs({"a": data(ok=1)})
    node = fetch("a", variables=("first", "after"))
    await run(node, subgraphs, first=10, secret="x")
    assert subgraphs.requests == [("a", {"query": "{ whatever }", "variables": {"first": 10}})]


async def test_names_the_operation_where_the_plan_does():
    subgraphs = Subgraphs({"a": data(ok=1)})
    node = fetch("a")
    await run(type(node)("a", node.kind, "query N { ok }", "N", ()), subgraphs)
    assert subgraphs.requests == [("a", {"query": "query N { ok }", "operationName": "N"})]


async def test_a_sequence_waits_and_a_wave_does_not():
    order: list[str] = []
    both_under_way = asyncio.Barrier(2)

    async def exchange(subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        order.append(subgraph)
        if subgraph in ("b", "c"):
            async with asyncio.timeout(5):
                await both_under_way.wait()
        order.append(f"{subgraph} done")
        return json.dumps(data(**{subgraph: 1})).encode()

    wave = ParallelNode((fetch("b"), fetch("c")))
    node = SequenceNode((fetch("a"), wave, fetch("d")))
    fetched = await run(node, exchange)
    assert fetched.data == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert (order[:2], order[-2:]) == (["a", "a done"], ["d", "d done"])


@pytest.mark.parametrize(("flag", "asked"), [(True, ["yes"]), (False, ["no"])])
async def test_a_condition_chooses_a_branch(flag, asked):
    subgraphs = Subgraphs({"yes": data(), "no": data()})
    node = ConditionNode("flag", fetch("yes"), fetch("no"))
    await run(node, subgraphs, flag=flag)
    assert [name for name, _ in subgraphs.requests] == asked


async def test_a_condition_may_lack_a_branch():
    subgraphs = Subgraphs({})
    await run(ConditionNode("flag", None, fetch("no")), subgraphs, flag=True)
    assert subgraphs.requests == []


async def test_entities_go_back_to_every_place_they_came_from():
    rows = [[{"id": "1"}, None], [{"id": "2"}, {"id": "1"}], None]
    subgraphs = Subgraphs(
        {"a": data(rows=rows), "b": entities(lambda each: {"name": f"n{each['id']}"})}
    )
    node = SequenceNode((fetch("a"), fetch_entities("b", path("rows"))))
    fetched = await run(node, subgraphs)
    assert subgraphs.representations(1) == [
        {"__typename": "Patient", "id": "1"},
        {"__typename": "Patient", "id": "2"},
    ]
    one, two = {"id": "1", "name": "n1"}, {"id": "2", "name": "n2"}
    assert fetched.data == {"rows": [[one, None], [two, one], None]}


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param({"id": None}, id="null key"),
        pytest.param({}, id="key never fetched"),
        pytest.param({"__typename": "Robot", "id": "1"}, id="another type"),
        pytest.param(None, id="no object"),
        pytest.param("junk", id="no object either"),
    ],
)
async def test_sends_nothing_for_what_cannot_be_asked_for(holder):
    subgraphs = Subgraphs({"a": data(row=holder)})
    fetched = await run(SequenceNode((fetch("a"), fetch_entities("b", path("row")))), subgraphs)
    assert [name for name, _ in subgraphs.requests] == ["a"]
    assert (fetched.data, fetched.errors) == ({"row": holder}, ())


@pytest.mark.parametrize("key", ["1", 1, {"system": "mrn", "value": ["1"]}, [1, None]])
async def test_a_key_may_be_any_json(key):
    subgraphs = Subgraphs(
        {"a": data(rows=[{"id": key}, {"id": key}]), "b": entities(lambda _: {"on": 1})}
    )
    fetched = await run(SequenceNode((fetch("a"), fetch_entities("b", path("rows")))), subgraphs)
    assert subgraphs.representations(1) == [{"__typename": "Patient", "id": key}]
    assert fetched.data["rows"] == [{"id": key, "on": 1}] * 2


async def test_representations_that_differ_in_a_requirement_are_both_sent():
    rows = [{"id": "1", "w": 1}, {"id": "1", "w": None}]
    subgraphs = Subgraphs({"a": data(rows=rows), "b": entities(lambda each: {"x": each["w"]})})
    representation = represent("Patient", "id", RequiredField("w", "w"))
    call = EntityCall("_entities", "representations", (path("rows"),), (representation,))
    fetched = await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert [row["x"] for row in fetched.data["rows"]] == [1, None]


async def test_a_representation_has_one_typename_its_own():
    subgraphs = Subgraphs({"a": data(row={"__typename": "Nurse", "id": "1"}), "b": entities(dict)})
    fields = (RequiredField("__typename", "__typename"), RequiredField("id", "id"))
    call = EntityCall(
        "_entities",
        "representations",
        (path("row"),),
        (Representation(("Nurse",), "Person", ("id",), fields),),
    )
    await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert subgraphs.representations(1) == [{"__typename": "Person", "id": "1"}]


async def test_sends_a_null_that_is_required_but_no_key():
    subgraphs = Subgraphs({"a": data(row={"id": "1", "w": None}), "b": entities(lambda _: {})})
    representation = represent("Patient", "id", RequiredField("weight", "w"))
    call = EntityCall("_entities", "representations", (path("row"),), (representation,))
    await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert subgraphs.representations(1) == [{"__typename": "Patient", "id": "1", "weight": None}]


async def test_tries_the_next_representation_where_a_key_is_null():
    rows = [{"id": None, "mrn": "m"}, {"id": "1", "mrn": None}]
    subgraphs = Subgraphs({"a": data(rows=rows), "b": entities(lambda each: {"by": list(each)[1]})})
    call = EntityCall(
        "_entities",
        "representations",
        (path("rows"),),
        (represent("Patient", "id"), represent("Patient", "mrn")),
    )
    fetched = await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert [row["by"] for row in fetched.data["rows"]] == ["mrn", "id"]


async def test_represents_nested_fields_through_lists_and_types():
    orders = [
        {"__typename": "Lab", "code": "a", "_alias": "7"},
        {"__typename": "Scan", "code": "b"},
        None,
    ]
    subgraphs = Subgraphs(
        {"a": data(row={"id": "1", "orders": orders}), "b": entities(lambda _: {})}
    )
    required = RequiredField(
        "orders",
        "orders",
        (
            RequiredField("code", "code"),
            RequiredFragment(("Lab",), (RequiredField("specimen", "_alias"),)),
        ),
    )
    call = EntityCall(
        "_entities", "representations", (path("row"),), (represent("Patient", "id", required),)
    )
    await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    [representation] = subgraphs.representations(1)
    assert representation["orders"] == [{"code": "a", "specimen": "7"}, {"code": "b"}, None]


async def test_a_nested_field_that_was_not_fetched_makes_it_incomplete():
    subgraphs = Subgraphs({"a": data(row={"id": "1", "orders": [{}]})})
    required = RequiredField("orders", "orders", (RequiredField("code", "code"),))
    call = EntityCall(
        "_entities", "representations", (path("row"),), (represent("Patient", "id", required),)
    )
    await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert len(subgraphs.requests) == 1


async def test_an_interface_object_is_sent_under_the_interfaces_name():
    subgraphs = Subgraphs(
        {"a": data(row={"__typename": "Nurse", "id": "1"}), "b": entities(lambda _: {"on": True})}
    )
    representation = Representation(
        ("Nurse", "Doctor"), "Person", ("id",), (RequiredField("id", "id"),)
    )
    call = EntityCall("_entities", "representations", (path("row"),), (representation,))
    fetched = await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), subgraphs)
    assert subgraphs.representations(1) == [{"__typename": "Person", "id": "1"}]
    assert fetched.data["row"] == {"__typename": "Nurse", "id": "1", "on": True}


async def test_a_path_follows_types():
    rows = [{"__typename": "Lab", "of": {"id": "1"}}, {"__typename": "Scan", "of": {"id": "2"}}]
    subgraphs = Subgraphs({"a": data(rows=rows), "b": entities(lambda _: {"on": True})})
    node = SequenceNode((fetch("a"), fetch_entities("b", path("rows", ("Scan",), "of"))))
    await run(node, subgraphs)
    assert [each["id"] for each in subgraphs.representations(1)] == ["2"]


async def test_several_calls_in_one_request():
    def answer(request):
        assert request["variables"] == {
            "first": [{"__typename": "Patient", "id": "1"}],
            "second": [],
        }
        return data(_e0=[{"name": "Ada"}], _e1=[])

    subgraphs = Subgraphs({"a": data(one={"id": "1"}, two=None), "b": answer})
    calls = tuple(
        EntityCall(key, variable, (path(target),), (represent("Patient"),))
        for key, variable, target in (("_e0", "first", "one"), ("_e1", "second", "two"))
    )
    fetched = await run(SequenceNode((fetch("a"), fetch("b", entities=calls))), subgraphs)
    assert fetched.data == {"one": {"id": "1", "name": "Ada"}, "two": None}
    assert fetched.errors == ()


async def test_targets_do_not_share_what_they_may_be_asked_differently():
    """Both places hold the same patient, yet `cost` means another currency in each."""

    def costs(request):
        [each] = request["variables"]["representations"]
        return data(_entities=[{"cost": each["id"] + request["query"]}])

    subgraphs = Subgraphs(
        {
            "a": data(left={"id": "1"}, right={"id": "1"}),
            "b": entities(lambda _: {"plan": {"id": "p"}}),
            "c": costs,
        }
    )

    def cost(target: str, currency: str):
        node = fetch_entities("c", path(target, "plan"))
        return type(node)(node.subgraph, node.kind, currency, None, (), node.entities)

    node = SequenceNode(
        (
            fetch("a"),
            fetch_entities("b", path("left"), path("right")),
            ParallelNode((cost("left", "USD"), cost("right", "EUR"))),
        )
    )
    fetched = await run(node, subgraphs)
    assert len(subgraphs.representations(1)) == 1
    assert fetched.data["left"]["plan"]["cost"] == "pUSD"
    assert fetched.data["right"]["plan"]["cost"] == "pEUR"


async def test_roots_of_several_subgraphs_are_merged_deeply():
    subgraphs = Subgraphs(
        {
            "a": data(me={"id": "1", "tags": [{"a": 1}, None], "boss": None}),
            "b": data(me={"name": "Ada", "tags": [{"b": 2}, {"b": 3}], "boss": {"id": "2"}}),
        }
    )
    fetched = await run(ParallelNode((fetch("a"), fetch("b"))), subgraphs)
    assert fetched.data["me"] == {
        "id": "1",
        "name": "Ada",
        "tags": [{"a": 1, "b": 2}, {"b": 3}],
        "boss": {"id": "2"},
    }


async def test_renames_what_could_not_share_a_key():
    rows = [{"__typename": "Lab", "_0": 1}, {"__typename": "Scan", "value": "x"}]
    subgraphs = Subgraphs({"a": data(rows=rows)})
    node = fetch("a", renames=(Rename(path("rows", ("Lab",)), "_0", "value"),))
    fetched = await run(node, subgraphs)
    assert [row["value"] for row in fetched.data["rows"]] == [1, "x"]


async def test_renames_below_each_entity():
    subgraphs = Subgraphs(
        {"a": data(row={"id": "1"}), "b": entities(lambda _: {"unit": {"_0": "mg"}})}
    )
    node = fetch_entities("b", path("row"), renames=(Rename(path("unit"), "_0", "code"),))
    fetched = await run(SequenceNode((fetch("a"), node)), subgraphs)
    assert fetched.data["row"]["unit"] == {"code": "mg"}


async def test_decimals_keep_their_digits_into_the_next_request():
    bodies = []

    async def exchange(subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        bodies.append(body)
        return b'{"data": {"row": {"id": 72.50, "big": 12345678901234567890123}}}'

    representation = represent("Patient", "id", RequiredField("big", "big"))
    call = EntityCall("_entities", "representations", (path("row"),), (representation,))
    await run(SequenceNode((fetch("a"), fetch("b", entities=(call,)))), exchange)
    assert b'"id":72.50,"big":12345678901234567890123' in bodies[1]


async def test_a_bug_in_the_exchange_is_not_hidden():
    async def exchange(subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await run(ParallelNode((fetch("a"), fetch("b"))), exchange)
