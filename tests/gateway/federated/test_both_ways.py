"""The compiled way answers like the general one, asks the same, and asks nothing twice.

`RANDOM_OPERATIONS=10000` asks that many; a difference names the seed, and `RANDOM_SEED=…` starts
there.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from random import Random
from unittest.mock import patch

import pytest

from gateway import engine
from gateway.execution.client import SubgraphUnavailable
from gateway.execution.compiled.errors import UnusualAnswerError
from gateway.execution.compiled.programs import Programs
from gateway.execution.wire import encode
from tests.gateway.federated.kit import Case
from tests.gateway.federated.random_worlds import build_query, build_world
from tests.gateway.federated.test_hostile import spoil
from tests.gateway.federated.test_random import federate

OPERATIONS = int(os.environ.get("RANDOM_OPERATIONS", "60"))
FIRST = int(os.environ.get("RANDOM_SEED", "0"))
EACH = 5
"""Operations over one federation."""


def nothing_fails(_answer, _random):
    pass


def something_is_spoiled(answer, random):
    if random.random() < 0.3:
        spoil(answer, random)


def something_is_null(answer, random):
    holders = [answer["data"]] if isinstance(answer.get("data"), dict) else []
    for holder in holders:
        inner = holder.values() if isinstance(holder, dict) else holder
        holders.extend(part for part in inner if isinstance(part, dict | list) and part)
    for holder in holders:
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            if random.random() < 0.03:
                holder[key] = None


def something_is_told(answer, random):
    if random.random() < 0.2:
        path = random.choice([None, [], ["_entities", 0], ["_entities", 0, "f0"], [5]])
        answer["errors"] = [{"message": "no", "path": path}]


def somebody_is_down(_answer, random):
    if random.random() < 0.2:
        raise SubgraphUnavailable("down")


def ask(federation, query, variables, disturb, seed):
    """The answer as bytes with its errors, and what was asked of whom."""
    asked = []
    send = federation.send

    async def disturbed(subgraph, body, kind):
        asked.append((subgraph, body))
        answer = json.loads(await send(subgraph, body, kind))
        # The same question gets the same answer, whoever asks and when.
        disturb(answer, Random(f"{seed} {subgraph} {body}"))
        return json.dumps(answer).encode()

    case = Case("", query, None, 0, variables)
    with patch.object(federation, "send", disturbed):
        answer = asyncio.run(federation.ask(case))
    told = [(error.fault.code, error.fault.subgraph, error.path) for error in answer.errors]
    return encode(answer.data), told, asked


@pytest.mark.parametrize(
    "disturb",
    [nothing_fails, something_is_spoiled, something_is_null, something_is_told, somebody_is_down],
)
def test_both_ways_are_one(disturb, monkeypatch):
    counted = Counter()
    run_program = engine.run_program

    async def counting(*given):
        counted["compiled"] += 1
        try:
            return await run_program(*given)
        except UnusualAnswerError:
            counted["unusual"] += 1
            raise

    monkeypatch.setattr(engine, "run_program", counting)
    for seed in range(FIRST, FIRST + OPERATIONS // EACH):
        random = Random(seed)
        world = build_world(random)
        federation, plain = federate(world), federate(world)
        federation.engine.programs = Programs(federation.engine.supergraph, uses_before=0)
        plain.engine.programs = Programs(plain.engine.supergraph, uses_before=-1)
        for _ in range(EACH):
            query = build_query(world, random)
            variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
            compiled = ask(federation, query, variables, disturb, seed)
            general = ask(plain, query, variables, disturb, seed)
            data, told, asked = compiled
            place = f"RANDOM_SEED={seed}: {query}"
            assert (data, told) == general[:2], place
            assert len(asked) == len(set(asked)), place
            # Of an object that belies its own type only the general way asks no more.
            assert set(asked) >= set(general[2]), place
            assert disturb is something_is_spoiled or len(asked) == len(set(general[2])), place
    print(counted)  # noqa: T201
    assert counted["compiled"] > OPERATIONS // 10
    assert bool(counted["unusual"]) == (disturb is not nothing_fails)
