from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.field_sets import KEY, check_field_set
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind, applied
from gateway.federation.link import Version


def key_fields(facts: Facts) -> Iterator[Problem]:
    """The KEY_ family. https://specs.apollo.dev/federation/v2.3#@key

    KEY_INVALID_FIELDS_TYPE, KEY_INVALID_FIELDS, KEY_FIELDS_HAS_ARGS, KEY_DIRECTIVE_IN_FIELDS_ARG,
    KEY_FIELDS_SELECT_INVALID_TYPE and KEY_UNSUPPORTED_ON_INTERFACE.
    """
    subgraph = facts.subgraph
    since = Version(2, 3)
    for type_ in subgraph.output_types():
        for key in applied(type_, "key"):
            is_early = subgraph.version is None or subgraph.version < since
            if type_.kind is Kind.INTERFACE and is_early:
                message = f'Cannot use @key on interface "{type_.name}" before federation {since}'
                yield problem("KEY_UNSUPPORTED_ON_INTERFACE", message, subgraph.name, key.node)
            for flaw in check_field_set(facts, type_.name, key, KEY):
                message = f'On type "{type_.name}", for its @key: {flaw.message}'
                yield problem(f"KEY_{flaw.code}", message, subgraph.name, key.node)
