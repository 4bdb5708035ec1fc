"""The short way answers what the long way answers, errors included."""

import random
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import execute, parse

from subgraphs.runtime.leaf_executor import LeafExecutor
from subgraphs.runtime.scalars import DateTime
from subgraphs.runtime.schema import build_schema


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = strawberry.enum_value("blue", description="x")


@strawberry.type
class Leaves:
    text: str | None
    needed: str
    number: int | None
    flag: bool | None
    exact: Decimal | None
    when: DateTime | None
    colour: Colour | None
    id: strawberry.ID
    texts: list[str] | None
    inner: "Leaves | None"

    @strawberry.field
    def shouted(self, times: int = 1) -> str | None:
        return str(self.text).upper() * times


@strawberry.type
class Query:
    @strawberry.field
    def leaves(self, info: strawberry.Info) -> list[Leaves | None] | None:
        return info.context


SCHEMA = build_schema(Query)
DOCUMENT = parse(
    """{ leaves { __typename text alias: text needed number flag exact when colour id texts
         shouted(times: 2) inner { needed number ...F @include(if: false) } } }
       fragment F on Leaves { id }"""
)


class Text(str):
    """A plain-looking subclass."""

    __slots__ = ()


@dataclass
class AnyValues:
    """Stands for Leaves without checking anything."""

    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


async def later() -> str:
    return "later"


ODD = [
    None, "", "x", 0, 1, -1, 2**31, 2**40, True, False, 1.5, float("nan"), Decimal("72.50"),
    Decimal("NaN"), Colour.RED, Colour.BLUE, "red", "RED", b"bytes", [], ["a", None], {}, object(),
    ValueError("quoted"), Text("sub"),
]  # fmt: skip
FIELDS = ["text", "needed", "number", "flag", "exact", "when", "colour", "id", "texts", "inner"]


def outcome(result):
    return result.data, [(e.path, e.message, type(e.original_error)) for e in result.errors or ()]


def both(values):
    stock = execute(SCHEMA._schema, DOCUMENT, context_value=values)
    short = execute(SCHEMA._schema, DOCUMENT, context_value=values, executor_class=LeafExecutor)
    return outcome(stock), outcome(short)


@pytest.mark.parametrize("seed", range(40))
def test_any_values_give_the_same_answer(seed):
    rng = random.Random(seed)
    rows = [
        AnyValues(
            {
                name: rng.choice(ODD)
                for name in FIELDS
                if rng.random() > 0.05  # sometimes the attribute is missing
            }
            | {"shouted": None}
        )
        for _ in range(20)
    ]
    for row in rows:
        nested = row.values.get("inner")
        if nested is not None:
            row.values["inner"] = AnyValues({name: rng.choice(ODD) for name in FIELDS})
    stock, short = both(rows)
    assert short == stock


async def test_an_awaitable_attribute_is_awaited():
    rows = [AnyValues(dict.fromkeys(FIELDS) | {"text": later(), "needed": "n", "id": "1"})]
    result = await execute(
        SCHEMA._schema,
        parse("{ leaves { text } }"),
        context_value=rows,
        executor_class=LeafExecutor,
    )
    assert outcome(result) == ({"leaves": [{"text": "later"}]}, [])


def test_plain_values_go_the_short_way(monkeypatch):
    calls = []
    stock = LeafExecutor.__mro__[1].execute_field

    def counted(self, parent_type, source, details, path, context):
        calls.append(details[0].node.name.value)
        return stock(self, parent_type, source, details, path, context)

    monkeypatch.setattr(LeafExecutor.__mro__[1], "execute_field", counted)
    row = AnyValues({"text": "t", "needed": "n", "exact": Decimal("1.0"), "colour": Colour.BLUE})
    document = parse("{ leaves { text needed exact colour } }")
    result = execute(SCHEMA._schema, document, context_value=[row], executor_class=LeafExecutor)
    assert result.data == {
        "leaves": [{"text": "t", "needed": "n", "exact": "1.0", "colour": "BLUE"}]
    }
    assert calls == ["leaves"]
