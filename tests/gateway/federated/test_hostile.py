"""Subgraphs that answer nonsense: the gateway says so, and answers the rest."""

import json
from random import Random

import pytest

from gateway.execution.wire import encode
from tests.gateway.federated.kit import Federation
from tests.gateway.federated.test_answers import SUITES

NONSENSE = (
    None, True, 0, -1, 10**30, 1.5, "", "x", [], [None], [[]], {}, {"__typename": None},
    {"__typename": []}, {"__typename": {}}, {"__typename": 5}, {"__typename": "Nobody"},
    {"id": {"id": []}},
)  # fmt: skip
TRIES = 6


def spoil(answer, random):
    """One part of the answer replaced, left out or repeated."""
    holders = [answer]
    for holder in holders:
        inner = holder.values() if isinstance(holder, dict) else holder
        holders.extend(part for part in inner if isinstance(part, dict | list) and part)
    holder = random.choice(holders)
    key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match random.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.extend([holder[key]] * random.choice([1, 50]))
        case _:
            holder[key] = random.choice(NONSENSE)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
async def test_nonsense_is_told_and_the_gateway_lives(suite):
    random = Random(suite.name)
    federation = Federation(suite)
    send, spoiled = federation.send, []

    async def send_spoiled(subgraph, body, kind):
        answer = json.loads(await send(subgraph, body, kind))
        if random.random() < 0.7:
            spoil(answer, random)
            spoiled.append(answer)
        return json.dumps(answer).encode()

    federation.send = send_spoiled
    for case in suite.cases * TRIES:
        answer = await federation.ask(case)
        encode(answer.data)
        for error in answer.errors:
            assert error.fault.message
    assert spoiled
