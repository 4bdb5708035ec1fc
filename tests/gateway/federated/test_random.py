"""However the fields are spread over subgraphs, the answer is that of one server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.composition import SubgraphInput, compose
from gateway.execution.client import SubgraphUnavailable
from gateway.execution.wire import encode
from tests.gateway.federated.kit import Case, Federation, Suite
from tests.gateway.federated.random_worlds import build_query, build_world
from tests.gateway.federated.worlds import World

# A seed rather than hypothesis's own randoms: a world takes far more draws than it can shrink.
SEEDS = st.integers(min_value=0, max_value=2**32)
BOOLEANS = st.fixed_dictionaries({"yes": st.booleans(), "no": st.booleans()})
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
    told = [error.path or () for error in answer.errors]
    for lost in _lost(answer.data, expected, ()):
        assert any(path[: len(lost)] == lost for path in told)


def _lost(
    given: Any, expected: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[str | int, ...]]:
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
