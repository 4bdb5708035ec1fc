"""Whoever asks for too much is refused, at a cost near that of a small request."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from bench.attacks import ATTACKS, Attack
from bench.limits import SMALL, cheapest, gateway

ATTEMPTS = 3
MOST_TIMES = 50
"""As dear as a small valid request an attack may be; the benchmark tells how dear each is."""
MOST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("limits")) as ask:
        yield ask


@pytest.fixture(scope="module")
def small(ask):
    status, body, _ = ask(SMALL, -1)
    assert (status, json.loads(body)) == (200, {"data": {"patient": {"id": "p-1"}}})
    return cheapest(ask, SMALL, 10)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_is_refused_cheaply_and_says_why(ask, small, attack):
    status, body, _ = ask(attack, -1)
    assert 400 <= status < 500
    answer = json.loads(body)
    assert "data" not in answer
    assert all(each["extensions"]["mend"] for each in answer["errors"])
    assert len(body) < 20_000
    assert cheapest(ask, attack, ATTEMPTS) < MOST_TIMES * small


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_takes_no_memory(ask, attack):
    body = attack.body(7)
    ready = Attack(attack.name, lambda _: body, attack.content_type, attack.headers)
    tracemalloc.start()
    try:
        ask(ready, 7)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def test_what_was_refused_is_not_held(ask):
    """A refusal is remembered by what it says, not with the document: a hundred times that."""
    (fields,) = [attack for attack in ATTACKS if attack.name == "fields"]
    ask(fields, 100)
    tracemalloc.start()
    try:
        for attempt in range(101, 121):
            ask(fields, attempt)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20 * 100_000
