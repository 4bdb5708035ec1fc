"""Would random federations find a fault of the planner? Each of these is planted, and found."""

from __future__ import annotations

import asyncio
from random import Random
from unittest.mock import patch

import pytest

from gateway.composition import SubgraphInput, compose
from gateway.execution.wire import encode
from gateway.federation.errors import SupergraphError
from gateway.planning import PlanError, plan
from tests.gateway.federated.faults import MISPLANS, MISREADS
from tests.gateway.federated.kit import Case, Federation, Suite
from tests.gateway.federated.random_worlds import build_query, build_world

WORLDS = 400
"""How many are tried at most; most faults show within the first few."""
OPERATIONS = 4
VARIABLES = ({"yes": True, "no": False}, {"yes": False, "no": True})


@pytest.mark.parametrize("fault", MISPLANS)
def test_a_wrong_plan_is_found(fault):
    misplan = MISPLANS[fault]
    with patch("gateway.engine.plan", lambda *asked: misplan(plan(*asked))):
        assert is_found(lambda sdl: sdl), f"no random federation shows that {fault}"


@pytest.mark.parametrize("fault", MISREADS)
def test_a_misread_supergraph_is_found(fault):
    assert is_found(MISREADS[fault]), f"no random federation shows that {fault}"


def is_found(misread):
    return any(differs(seed, misread) for seed in range(WORLDS))


def differs(seed, misread):
    random = Random(seed)
    world = build_world(random)
    subgraphs = world.federate()
    inputs = [SubgraphInput(name, f"http://{name}", each.sdl) for name, each in subgraphs.items()]
    sdl = compose(inputs).sdl
    misread_sdl = misread(sdl)
    try:
        federation = Federation(Suite("random", subgraphs, ()), misread_sdl)
        for _ in range(OPERATIONS):
            query = build_query(world, random)
            for variables in VARIABLES:
                answer = asyncio.run(federation.ask(Case("", query, None, 0, variables)))
                expected = world.answer(federation.engine.schema, query, variables)
                if answer.errors or encode(answer.data) != encode(expected):
                    return True
    except (SupergraphError, PlanError):
        # Refused before any answer is given is found as well.
        return True
    return False
