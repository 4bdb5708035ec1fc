"""Many operations over many random federations; every seed can be replayed.

`RANDOM_OPERATIONS=10000` asks that many; a difference names the seed, and `RANDOM_SEED=…` starts
there.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from random import Random

from gateway.execution.wire import encode
from tests.gateway.federated.kit import LINK, Case
from tests.gateway.federated.random_worlds import build_query, build_world
from tests.gateway.federated.test_random import federate

OPERATIONS = int(os.environ.get("RANDOM_OPERATIONS", "500"))
FIRST = int(os.environ.get("RANDOM_SEED", "0"))
EACH = 5
"""Operations over one federation."""
OFTEN = OPERATIONS // 20
"""In how many operations each of these has to take part."""
PARTS = {
    "@key of one field": r'@key\(fields: "\w+"\)',
    "@key of several": r'@key\(fields: "\w+ \w+',
    "@key with a selection": r'@key\(fields: "[^"]*\{',
    "@key that none may be asked by": r"resolvable: false",
    "several @key": r'@key\(fields: "[^"]*"\) @key',
    "@shareable": r"@shareable",
    "@requires": r"@requires\(",
    "@requires with an argument": r'@requires\(fields: "\w+\(',
    "@requires through a reference": r'@requires\(fields: "\w+ \{',
    "@provides": r"@provides",
    "@external": r"@external",
    "@override": r"@override",
    "@override with a label": r"label: ",
    "@context": r"@context",
    "@fromContext of a field that is asked for": r"\bc0\b[^(]*$",
    "@interfaceObject": r"@interfaceObject",
    "interface": r"\binterface ",
    "union": r"\bunion ",
    "a list of lists": r": \[\[",
    "@skip": r"@skip",
    "@include": r"@include",
    "an alias": r"\bx_\w+: ",
    "an argument from a variable": r"\(n: \$two",
    "a fragment": r"\.\.\. on ",
    "a fragment with a name": r"\.\.\.F",
}


def test_every_answer_is_that_of_one_server():
    counted = Counter()
    for seed in range(FIRST, FIRST + OPERATIONS // EACH):
        random = Random(seed)
        world = build_world(random)
        federation = federate(world)
        # Without the imports, which name every directive.
        sdl = "\n".join(each.sdl.replace(LINK, "") for each in world.federate().values())
        for _ in range(EACH):
            query = build_query(world, random)
            variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
            labels = frozenset(each for each in world.labels if random.random() < 0.5)
            case = Case("", query, None, 0, variables, labels=labels)
            answer = asyncio.run(federation.ask(case))
            expected = world.answer(federation.engine.schema, query, variables, labels)
            assert answer.errors == (), f"RANDOM_SEED={seed}: {query}"
            # As bytes, so that the order of keys counts.
            assert encode(answer.data) == encode(expected), f"RANDOM_SEED={seed}: {query}"
            counted.update(name for name, part in PARTS.items() if re.search(part, sdl + query))
    print(*(f"{number:>7} {name}" for name, number in counted.items()), sep="\n")  # noqa: T201
    rare = {name: counted[name] for name in PARTS if counted[name] < OFTEN}
    assert not rare, f"too seldom to say anything: {rare}"
