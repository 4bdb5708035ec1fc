"""Delivery in parts, step by step: what is pending, what is told with it, and what a null takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from graphql import parse, validate

from gateway.engine import Engine
from gateway.execution.client import SubgraphUnavailable
from gateway.execution.deliver import Initial
from gateway.execution.wire import encode
from gateway.federation.supergraph import load_supergraph
from gateway.incremental import apollo_2022, current
from tests.gateway.planning.supergraphs import supergraph_sdl

SDL = supergraph_sdl(
    ["a", "b", "c"],
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  cat: Cat @join__field(graph: A)
  cats: [Cat] @join__field(graph: A)
}
type Cat @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")
  @join__type(graph: C, key: "id")
{
  id: ID!
  name: String @join__field(graph: A)
  home: Home @join__field(graph: A)
  mood: String @join__field(graph: B)
  weight: Int! @join__field(graph: B)
  vet: Vet @join__field(graph: C)
}
type Home @join__type(graph: A) { street: String }
type Vet @join__type(graph: C) { name: String phone: String! }
""",
)
CATS = [
    {"__typename": "Cat", "id": str(n), "name": f"cat {n}", "home": {"street": "x"}}
    for n in range(2)
]
KNOWN = {
    "b": lambda cat: {"mood": f"mood {cat}", "weight": 4},
    "c": lambda cat: {"vet": {"name": f"vet of {cat}", "phone": "1"}},
    "a": lambda cat: CATS[int(cat)],
}


class World:
    """Subgraphs that answer with more than they are asked for; some not before they are told to."""

    def __init__(self) -> None:
        self.engine = Engine(load_supergraph(SDL), {})
        self.asked: list[str] = []
        self.known: dict[str, Callable[[str], Any]] = dict(KNOWN)
        self.waiting: dict[str, asyncio.Event] = {}
        self.cancelled: list[str] = []

    def hold(self, subgraph: str) -> asyncio.Event:
        return self.waiting.setdefault(subgraph, asyncio.Event())

    async def send(self, subgraph: str, body: bytes, _: object) -> bytes:
        request = json.loads(body)
        if "_entities" not in request["query"]:
            self.asked.append(subgraph)
            return encode({"data": {"cat": CATS[0], "cats": [*CATS, None]}})
        self.asked.append(f"{subgraph}*")
        try:
            if subgraph in self.waiting:
                await self.waiting[subgraph].wait()
        except asyncio.CancelledError:
            self.cancelled.append(subgraph)
            raise
        cats = [each["id"] for each in request["variables"]["representations"]]
        return encode({"data": {"_entities": [self.known[subgraph](cat) for cat in cats]}})

    @asynccontextmanager
    async def open(self, query: str, *, repeating: bool = False, **variables: Any):
        document = parse(query)
        assert validate(self.engine.schema, document) == []
        operation = self.engine.normalize(document, None, deferring=True)
        parts = self.engine.run_deferred(operation, variables, self.send, repeating=repeating)
        async with asyncio.timeout(10), aclosing(parts):
            yield parts

    async def read(self, query: str, *, repeating: bool = False, **variables: Any):
        async with self.open(query, repeating=repeating, **variables) as parts:
            return [show(part, repeating=repeating) async for part in parts]


def show(part: Any, *, repeating: bool = False) -> dict[str, Any]:
    draft = apollo_2022 if repeating else current
    render = draft.render_initial if isinstance(part, Initial) else draft.render_subsequent
    told = render(part, lambda error: [error.fault.code, *(error.path or ())])
    return json.loads(encode(told))


@pytest.fixture
def world():
    return World()


async def test_one_part_after_another_as_each_is_there(world):
    query = "{ cat { name ... @defer { mood } ... @defer { vet { name } } } }"
    slow = world.hold("b")
    async with world.open(query) as parts:
        first, second = show(await anext(parts)), show(await anext(parts))
        slow.set()
        third = show(await anext(parts))
        with pytest.raises(StopAsyncIteration):
            await anext(parts)
    assert [each["id"] for each in first["pending"]] == ["0", "1"]
    assert second["incremental"] == [{"id": "1", "data": {"vet": {"name": "vet of 0"}}}]
    assert third["incremental"] == [{"id": "0", "data": {"mood": "mood 0"}}]
    assert [each["hasNext"] for each in (first, second, third)] == [True, True, False]


async def test_one_inside_another_is_pending_once_the_other_is_there(world):
    query = """{ cat { name ... @defer(label: "outer") {
      vet { name } ... @defer(label: "inner") { mood } } } }"""
    slow = world.hold("c")
    async with world.open(query) as parts:
        first = show(await anext(parts))
        # What is inside was fetched by now, and waits its turn.
        slow.set()
        others = [show(part) async for part in parts]
    assert [each["label"] for each in first["pending"]] == ["outer"]
    assert [each["label"] for each in others[0]["pending"]] == ["inner"]
    assert [each["id"] for each in others[0]["completed"]] == ["0"]
    assert others[1]["incremental"] == [{"id": "1", "data": {"mood": "mood 0"}}]


async def test_what_both_select_is_delivered_once_with_the_first(world):
    query = "{ cat { ... @defer { mood } ... @defer { mood vet { name } } } }"
    world.hold("c")
    async with world.open(query) as parts:
        await anext(parts)
        second = show(await anext(parts))
        world.waiting["c"].set()
        third = show(await anext(parts))
    assert second["incremental"] == [{"id": "0", "data": {"mood": "mood 0"}}]
    assert third["incremental"] == [{"id": "1", "data": {"vet": {"name": "vet of 0"}}}]


async def test_below_what_came_first_it_has_a_path_of_its_own(world):
    query = "{ cat { home { __typename } ... @defer { mood home { street } } } }"
    _, second = await world.read(query)
    assert second["incremental"] == [
        {"id": "0", "data": {"mood": "mood 0"}},
        {"id": "0", "subPath": ["home"], "data": {"street": "x"}},
    ]


async def test_in_the_draft_of_2022_a_part_brings_all_it_selects(world):
    query = '{ cat { name home { __typename } ... @defer(label: "l") { name home { street } } } }'
    _, second = await world.read(query, repeating=True)
    assert second["incremental"] == [
        {"data": {"name": "cat 0", "home": {"street": "x"}}, "path": ["cat"], "label": "l"}
    ]


async def test_every_row_of_a_list_is_a_place_but_no_null(world):
    first, second = await world.read("{ cats { name ... @defer { mood } } }")
    assert first["data"] == {"cats": [{"name": "cat 0"}, {"name": "cat 1"}, None]}
    assert [each["path"] for each in first["pending"]] == [["cats", 0], ["cats", 1]]
    assert [each["data"] for each in second["incremental"]] == [
        {"mood": "mood 0"},
        {"mood": "mood 1"},
    ]


async def test_nothing_of_a_later_part_is_in_an_earlier_one(world):
    slow = world.hold("c")
    query = "{ cat { name ... @defer { mood } ... @defer { vet { name } } } }"
    async with world.open(query) as parts:
        first = show(await anext(parts))
        slow.set()
        assert first["data"] == {"cat": {"name": "cat 0"}}


@pytest.mark.parametrize("repeating", [False, True])
async def test_a_null_that_must_not_be_takes_its_part_and_no_more(world, repeating):
    world.known["b"] = lambda cat: {"mood": f"mood {cat}", "weight": None}
    query = "{ cat { name ... @defer { mood weight } } }"
    first, second = await world.read(query, repeating=repeating)
    assert first["data"] == {"cat": {"name": "cat 0"}}
    error = ["SUBGRAPH_INVALID_RESPONSE", "cat", "weight"]
    if repeating:
        assert second["incremental"] == [{"data": None, "path": ["cat"], "errors": [error]}]
    else:
        assert "incremental" not in second
        assert second["completed"] == [{"id": "0", "errors": [error]}]
    assert second["hasNext"] is False


async def test_of_a_part_that_failed_nothing_comes(world):
    world.known["b"] = lambda _: {"weight": None}
    query = "{ cat { home { __typename } ... @defer { weight home { street } } } }"
    _, second = await world.read(query)
    assert second.keys() == {"completed", "hasNext"}


async def test_what_is_inside_a_part_that_failed_never_comes(world):
    world.known["b"] = lambda _: {"weight": None}
    query = "{ cat { name ... @defer { weight ... @defer { vet { name } } } } }"
    first, second = await world.read(query)
    assert len(first["pending"]) == 1
    assert "pending" not in second
    assert second["hasNext"] is False


async def test_a_null_below_takes_what_it_may(world):
    world.known["c"] = lambda _: {"vet": {"name": "x", "phone": None}}
    _, second = await world.read("{ cat { ... @defer { vet { name phone } } } }")
    error = ["SUBGRAPH_INVALID_RESPONSE", "cat", "vet", "phone"]
    assert second["incremental"] == [{"id": "0", "data": {"vet": None}, "errors": [error]}]


async def test_under_a_null_nothing_is_pending(world):
    world.known["c"] = lambda _: {"vet": {"name": "x", "phone": None}}
    query = "{ cat { name vet { phone ... @defer { name } } } }"
    (only,) = await world.read(query)
    assert only["data"] == {"cat": {"name": "cat 0", "vet": None}}
    assert "hasNext" not in only


async def test_a_failure_is_told_with_the_part_it_hurts(world):
    def fail(_: str) -> None:
        raise SubgraphUnavailable("down")

    world.known["b"] = fail
    query = "{ cats { name ... @defer { mood } ... @defer { vet { name } } } }"
    first, *others = await world.read(query)
    assert "errors" not in first
    told = [(each["data"], each.get("errors")) for other in others for each in other["incremental"]]
    assert sorted(map(str, told)) == sorted(
        str(each)
        for cat in range(2)
        for each in (
            ({"mood": None}, [["SUBGRAPH_UNAVAILABLE", "cats", cat, "mood"]]),
            ({"vet": {"name": f"vet of {cat}"}}, None),
        )
    )


async def test_the_first_part_asks_nobody_it_does_not_need(world):
    for subgraph in "bc":
        world.hold(subgraph)
    query = "{ cat { name ... @defer { mood vet { name } } } }"
    async with world.open(query) as parts:
        await anext(parts)
    assert sorted(world.cancelled) == ["b", "c"]


async def test_a_part_begins_while_others_are_under_way(world):
    """It needs the key, and not what else the first part waits for."""
    slow = world.hold("c")
    query = "{ cat { vet { name } ... @defer { mood } } }"
    async with world.open(query) as parts:
        reading = asyncio.create_task(anext(parts))
        while "b*" not in world.asked:  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0)
        assert not reading.done()
        slow.set()
        await reading


async def test_by_a_variable(world):
    query = """query ($later: Boolean!, $there: Boolean!) {
      cat { name ... @include(if: $there) @defer(if: $later) { mood } } }"""
    plain = {"data": {"cat": {"name": "cat 0", "mood": "mood 0"}}}
    assert await world.read(query, later=False, there=True) == [plain]
    assert await world.read(query, later=True, there=False) == [
        {"data": {"cat": {"name": "cat 0"}}}
    ]
    assert len(await world.read(query, later=True, there=True)) == 2


async def test_of_the_schema(world):
    query = "{ cat { name } ... @defer { __schema { queryType { name } } } }"
    first, second = await world.read(query)
    assert first["data"] == {"cat": {"name": "cat 0"}}
    assert second["incremental"] == [
        {"id": "0", "data": {"__schema": {"queryType": {"name": "Query"}}}}
    ]


async def test_a_bug_is_raised_and_ends_everything(world):
    def break_down(_: str) -> None:
        raise ZeroDivisionError

    world.known["b"] = break_down
    world.hold("c")
    query = "{ cat { name ... @defer { mood } ... @defer { vet { name } } } }"
    with pytest.raises(ZeroDivisionError):
        await world.read(query)
    assert world.cancelled == ["c"]
