"""However the fields are spread over subgraphs, the answer is that of one server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from random import Random
from typing import Any, TypeAlias
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.composition import SubgraphInput, compose
from gateway.execution.client import SubgraphUnavailable
from gateway.execution.wire import encode
from tests.gateway.federated.kit import Case, Federation, Suite
from tests.gateway.federated.random_worlds import break_some_fields, build_query, build_world
from tests.gateway.federated.worlds import World

# A seed rather than hypothesis's own randoms: a world takes far more draws than it can shrink.
SEEDS = st.integers(min_value=0, max_value=2**32)
BOOLEANS = st.fixed_dictionaries({"yes": st.booleans(), "no": st.booleans()})
Path: TypeAlias = tuple[str | int, ...]
DRAWN = settings(max_examples=40, deadline=None, derandomize=True)


def federate(world: World) -> Federation:
    subgraphs = world.federate()
    inputs = [SubgraphInput(name, f"http://{name}", each.sdl) for name, each in subgraphs.items()]
    return Federation(Suite("random", subgraphs, ()), compose(inputs).sdl)


@given(SEEDS, BOOLEANS)
@DRAWN
def test_a_federation_answers_like_one_server(seed, variables):
    random = Random(seed)
    world = build_world(random)
    federation = federate(world)
    query = build_query(world, random)
    answer = asyncio.run(federation.ask(Case("", query, None, 0, variables)))
    expected = world.answer(federation.engine.schema, query, variables)
    assert answer.errors == ()
    assert encode(answer.data) == json.dumps(expected, separators=(",", ":")).encode()


@given(SEEDS, BOOLEANS)
@DRAWN
def test_what_fails_is_null_with_an_error_and_the_rest_is_right(seed, variables):
    random = Random(seed)
    world = build_world(random)
    federation = federate(world)
    query = build_query(world, random)
    send = federation.send

    async def fail_now_and_then(*request):
        if random.random() < 0.3:
            raise SubgraphUnavailable("down")
        return await send(*request)

    federation.send = fail_now_and_then
    with patch.multiple("gateway.execution.project", MAX_ERRORS=10**6, MAX_PLACES=10**6):
        answer = asyncio.run(federation.ask(Case("", query, None, 0, variables)))
    expected = world.answer(federation.engine.schema, query, variables)
    told = [(error.fault.code, error.path or ()) for error in answer.errors]
    assert len(told) == len(set(told))
    assert untold(answer.data, expected, [path for _, path in told]) == []


@given(SEEDS, BOOLEANS)
@DRAWN
def test_each_error_of_a_field_is_told_at_its_path_and_nowhere_else(seed, variables):
    random = Random(seed)
    world = build_world(random)
    break_some_fields(world, random)
    federation = federate(world)
    query = build_query(world, random)
    with (
        patch.multiple("gateway.execution.project", MAX_ERRORS=10**6, MAX_PLACES=10**6),
        patch("gateway.execution.answers.MAX_ERRORS_PER_ANSWER", 10**6),
    ):
        answer = asyncio.run(federation.ask(Case("", query, None, 0, variables)))
    expected = world.execute(federation.engine.schema, query, variables)
    assert json.loads(encode(answer.data)) == expected.data
    paths = sorted(map(str, (error.path for error in answer.errors)))
    assert paths == sorted(str(tuple(error.path)) for error in expected.errors or ())


def untold(data: Any, expected: Any, told: list[Path]) -> list[Path]:
    """Where something is lost and no error says so, or an error is told of a value."""
    lost = [
        place
        for place in _lost(data, expected, ())
        if not any(path[: len(place)] == place for path in told)
    ]
    return lost + [path for path in told if _is_leaf(data, path)]


def _is_leaf(data: Any, path: Path) -> bool:
    for step in path:
        if data is None:
            return False
        data = data[step]
    return data is not None and not isinstance(data, dict | list)


def _lost(given: Any, expected: Any, path: Path) -> Iterator[Path]:
    """The places where something is null that is not; anything else that differs is wrong."""
    if given is None and expected is not None:
        yield path
    elif isinstance(expected, dict):
        assert list(given) == list(expected)
        for key, value in expected.items():
            yield from _lost(given[key], value, (*path, key))
    elif isinstance(expected, list):
        assert len(given) == len(expected)
        for index, value in enumerate(expected):
            yield from _lost(given[index], value, (*path, index))
    else:
        assert given == expected
