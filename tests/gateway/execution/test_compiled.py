"""What Structs take and refuse, against what the general way makes of the same answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import parse

from gateway.composition import SubgraphInput, compose
from gateway.engine import Engine
from gateway.execution.client import SubgraphUnavailable
from gateway.execution.compiled.programs import Programs
from gateway.execution.wire import encode

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])'
PARTS = {
    "a": """
        type Query { all: [Thing!]! one: Thing shown: Shown lists: [[Shown!]] }
        interface Shown { id: ID! }
        type Thing implements Shown @key(fields: "id") {
          id: ID! text: String int: Int float: Float floats: [Float!] flag: Boolean
          colour: Colour any: Any anything: Any! class: String
        }
        type Other implements Shown @key(fields: "id") { id: ID! weight: Float }
        enum Colour { RED BLUE }
        scalar Any
    """,
    "b": """
        type Thing @key(fields: "id") { id: ID! later: String sure: Int! }
        type Other @key(fields: "id") { id: ID! late: Float }
    """,
}
VALUES = (
    b"null", b"true", b"0", b"-1", b"1.0", b"1.50", b"1e2", b"1e400", b"2147483647", b"2147483648",
    b"123456789012345678901234567890", b'""', b'"x"', b'"1.5"', b'"RED"', b'"GREEN"', b"[]",
    b"[1.5,2]", b'["1.5"]', b"[null]", b"{}", b'{"a":[1.50,null]}', b'"\\ud800"',
)  # fmt: skip
LEAVES = ("id", "text", "int", "float", "floats", "flag", "colour", "any", "anything", "class")


def engine(*, compiled: bool) -> Engine:
    inputs = [SubgraphInput(name, f"http://{name}", LINK + sdl) for name, sdl in PARTS.items()]
    made = Engine.load(compose(inputs).sdl, {})
    made.programs = Programs(made.supergraph, uses_before=0 if compiled else -1)
    return made


COMPILED, GENERAL = engine(compiled=True), engine(compiled=False)


async def ask(of: Engine, query: str, *answers: bytes | Exception) -> tuple[bytes, Any, list[Any]]:
    """The data, the errors' codes and paths, and the requests; answers come in their order."""
    asked: list[Any] = []

    async def exchange(subgraph: str, body: bytes, _: Any) -> bytes:
        asked.append((subgraph, json.loads(body)))
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    operation = of.normalize(parse(query), None)
    answer = await of.run(operation, {}, exchange)
    told = [(error.fault.code, error.path) for error in answer.errors]
    return encode(answer.data), told, asked


async def both(query: str, *answers: bytes | Exception) -> tuple[bytes, Any, list[Any]]:
    """What both ways make of it, which has to be the same."""
    compiled = await ask(COMPILED, query, *answers)
    assert compiled == await ask(GENERAL, query, *answers)
    return compiled


def data(text: bytes) -> bytes:
    return b'{"data":%b}' % text


@pytest.mark.parametrize("value", VALUES, ids=bytes.decode)
@pytest.mark.parametrize("leaf", LEAVES)
async def test_every_value_of_every_type(leaf, value):
    await both(f"{{ one {{ {leaf} }} }}", data(b'{"one":{"%b":%b}}' % (leaf.encode(), value)))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":{"one":[]}}',
        b'{"data":{"one":7}}',
        b'{"data":{"one":null}}',
        b'{"data":{"one":{"id":"1"}},"errors":[]}',
        b'{"data":{"one":{"id":"1"}},"errors":7}',
        b'{"data":{"one":{"id":"1"}},"errors":[{"message":"no","path":["one","text"]}]}',
        b'{"data":{"one":{"id":"1","id":"2","text":"x","more":{}}}}',
        b'\xef\xbb\xbf{"data":{"one":null}}',
        b'{"data":{"one":{"id":"1","text":"\xff"}}}',
        SubgraphUnavailable("down"),
    ],
)
async def test_answers_that_are_none_and_answers_in_part(answer):
    _, _, asked = await both("{ one { id text } }", answer)
    assert len(asked) == 1


async def test_fields_come_in_the_clients_order_and_keys_are_hidden():
    given = data(b'{"all":[{"text":"x","id":"1"},{"text":null,"id":"2"}]}')
    later = data(b'{"_entities":[{"later":"y"},{"later":"z"}]}')
    shown, told, asked = await both("{ all { later text class: __typename } }", given, later)
    assert told == []
    assert shown == (
        b'{"all":[{"later":"y","text":"x","class":"Thing"},'
        b'{"later":"z","text":null,"class":"Thing"}]}'
    )
    assert asked[1][1]["variables"]["representations"] == [
        {"__typename": "Thing", "id": "1"},
        {"__typename": "Thing", "id": "2"},
    ]


@pytest.mark.parametrize(
    "entities",
    [
        b"[null,null]", b"[]", b"[{},{}]", b'[{"later":"y","sure":1}]', b"null", b"7", b"[7,8]",
        b'[{"later":"y","sure":1},null]', b'[{"later":"y","sure":null},{"later":null,"sure":2}]',
        b'[{"later":"y","sure":1},{"later":"z","sure":2}]',
    ],
)  # fmt: skip
@pytest.mark.parametrize("fields", ["later", "later sure"])
async def test_entities_that_are_missing_or_of_no_use(fields, entities):
    given = data(b'{"all":[{"id":"1"},{"id":"2"}]}')
    _, _, asked = await both(
        f"{{ all {{ {fields} }} }}", given, data(b'{"_entities":%b}' % entities)
    )
    assert len(asked) == 2


async def test_what_is_the_same_is_asked_once_and_given_to_all():
    given = data(b'{"all":[{"id":"1"},{"id":"1"}]}')
    shown, _, asked = await both("{ all { later } }", given, data(b'{"_entities":[{"later":"y"}]}'))
    assert shown == b'{"all":[{"later":"y"},{"later":"y"}]}'
    assert asked[1][1]["variables"]["representations"] == [{"__typename": "Thing", "id": "1"}]


SHOWN = "{ shown { id ... on Thing { text } ... on Other { weight kind: __typename } } }"


@pytest.mark.parametrize(
    "shown",
    [
        b'{"__typename":"Thing","id":"1","text":"x"}',
        b'{"__typename":"Other","id":"1","weight":1.50}',
        b'{"id":"1","weight":1.50,"__typename":"Other"}',
        b'{"__typename":"Other","id":"1","weight":"1.50"}',
        b'{"__typename":"Nobody","id":"1"}',
        b'{"__typename":null,"id":"1"}',
        b'{"id":"1"}',
    ],
)
async def test_objects_of_several_types(shown):
    await both(SHOWN, data(b'{"shown":%b}' % shown))


async def test_a_type_is_told_only_where_it_was_asked_for():
    answer = data(b'{"lists":[[{"__typename":"Thing","id":"1"}],null]}')
    shown, told, _ = await both("{ lists { id ... on Other { weight } } }", answer)
    assert (shown, told) == (b'{"lists":[[{"id":"1"}],null]}', [])


@pytest.mark.parametrize(
    ("query", "answers"),
    [
        (f"{{ one {{ {' '.join(LEAVES)} }} }}", [b'{"one":null}']),
        (
            "{ all { later sure } }",
            [b'{"all":[{"id":"1"}]}', b'{"_entities":[{"later":"","sure":1}]}'],
        ),
        (SHOWN, [b'{"shown":{"__typename":"Other","id":"1","weight":1.50}}']),
        ("{ lists { id ... on Other { weight } } }", [b'{"lists":[null]}']),
    ],
)
async def test_these_do_not_take_the_general_way(query, answers, monkeypatch):
    monkeypatch.setattr("gateway.engine.execute", None)
    _, told, asked = await ask(COMPILED, query, *map(data, answers))
    assert (told, len(asked)) == ([], len(answers))
