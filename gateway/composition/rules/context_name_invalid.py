from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import applied

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def context_name_invalid(facts: Facts) -> Iterator[Problem]:
    """The supergraph joins subgraph and context by `__`, so a context's name has no underscore."""
    for type_ in facts.subgraph.types.values():
        for context in applied(type_, "context"):
            name = context.text("name") or ""
            if not _NAME.fullmatch(name):
                message = f'Context name "{name}" may have only letters and digits'
                yield problem("CONTEXT_NAME_INVALID", message, facts.subgraph.name, context.node)
