"""However an operation is deferred, its parts put together are the answer it has undeferred.

`DEFERRED_OPERATIONS=2000` asks that many; a difference names the seed, and `DEFERRED_SEED=…` starts
there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from random import Random
from typing import Any

from graphql import parse, validate

from gateway.execution.deliver import Initial
from gateway.execution.wire import encode
from gateway.incremental import apollo_2022, current
from tests.gateway.federated.deferring import Apollo2022Reader, CurrentReader, Deferrer
from tests.gateway.federated.kit import Federation
from tests.gateway.federated.random_worlds import build_query, build_world
from tests.gateway.federated.test_random import federate

OPERATIONS = int(os.environ.get("DEFERRED_OPERATIONS", "300"))
FIRST = int(os.environ.get("DEFERRED_SEED", "0"))
EACH = 4
"""Operations over one federation."""
FORMATS = {"current": (current, CurrentReader), "2022": (apollo_2022, Apollo2022Reader)}


def render_error(error: Any) -> dict[str, Any]:
    return {"code": error.fault.code, "path": error.path}


async def read(
    federation: Federation, query: str, variables: Mapping[str, Any], style: str
) -> CurrentReader | Apollo2022Reader:
    module, reader = FORMATS[style][0], FORMATS[style][1]()
    if isinstance(reader, Apollo2022Reader):
        reader.once = frozenset(re.findall(r'label: "(\w+)"', query.partition("fragment ")[0]))
    engine = federation.engine
    document = parse(query)
    assert validate(engine.schema, document) == []
    operation = engine.normalize(document, None, deferring=True)
    parts = engine.run_deferred(operation, variables, federation.send, repeating=style == "2022")
    async with asyncio.timeout(20), aclosing(parts):
        async for part in parts:
            initial = isinstance(part, Initial)
            render = module.render_initial if initial else module.render_subsequent
            reader.read(json.loads(encode(render(part, render_error))))
    assert reader.ended
    return reader


def test_the_parts_together_are_the_answer():
    payloads = Counter()
    for seed in range(FIRST, FIRST + OPERATIONS // EACH):
        random = Random(seed)
        world = build_world(random)
        federation = federate(world)
        for number in range(EACH):
            query = build_query(world, random)
            variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
            deferred = Deferrer(random).defer(query)
            expected = world.answer(federation.engine.schema, query, variables)
            style = ("current", "2022")[number % 2]
            where = f"DEFERRED_SEED={seed} ({number}, {style}, {variables}): {deferred}"
            try:
                reader = asyncio.run(read(federation, deferred, variables, style))
            except BaseException as error:
                raise AssertionError(where) from error
            assert reader.errors == [], where
            assert reader.data == json.loads(encode(expected)), where
            payloads[min(reader.payloads, 4)] += 1
    assert payloads[1] < OPERATIONS / 2, "too little was deferred to say anything"
    assert payloads[3] > OPERATIONS / 50, "too little was deferred in turn"
