"""What is asked of subgraphs, one rule a file, in four rounds.

A round starts only when the rounds before found nothing: of a schema that is no valid GraphQL one
cannot say whether its keys are right. Within a round every rule speaks, and every problem is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem
from gateway.composition.read import ParsedSubgraph
from gateway.composition.rules.auth_requirements_applied_on_interface import (
    auth_requirements_applied_on_interface,
)
from gateway.composition.rules.context_name_invalid import context_name_invalid
from gateway.composition.rules.cost_applied_to_interface_field import (
    cost_applied_to_interface_field,
)
from gateway.composition.rules.definition_invalid import definition_invalid
from gateway.composition.rules.external_on_interface import external_on_interface
from gateway.composition.rules.external_unused import external_unused
from gateway.composition.rules.from_context import from_context
from gateway.composition.rules.interface_key_not_on_implementation import (
    interface_key_not_on_implementation,
)
from gateway.composition.rules.interface_object_without_key import interface_object_without_key
from gateway.composition.rules.invalid_graphql import invalid_graphql
from gateway.composition.rules.invalid_link import invalid_link
from gateway.composition.rules.invalid_shareable_usage import invalid_shareable_usage
from gateway.composition.rules.invalid_subgraph_name import invalid_subgraph_name
from gateway.composition.rules.key_fields import key_fields
from gateway.composition.rules.list_size import list_size
from gateway.composition.rules.provides_fields import provides_fields
from gateway.composition.rules.requires_fields import requires_fields
from gateway.composition.rules.root_type_used import root_type_used
from gateway.composition.rules.unknown_federation_link_version import (
    unknown_federation_link_version,
)

DocumentRule: TypeAlias = Callable[[ParsedSubgraph], Iterator[Problem]]
SubgraphRule: TypeAlias = Callable[[Facts], Iterator[Problem]]

# Each needs the ones before: without links nobody knows what a directive is, and with a wrong
# definition of one its applications are judged wrongly.
DOCUMENT_RULES: tuple[DocumentRule, ...] = (
    invalid_subgraph_name,
    invalid_link,
    unknown_federation_link_version,
    definition_invalid,
    invalid_graphql,
    root_type_used,
)

# Of one subgraph by itself. None depends on another; field sets come first because what is wrong
# with them explains most of what follows.
SUBGRAPH_RULES: tuple[SubgraphRule, ...] = (
    key_fields,
    requires_fields,
    provides_fields,
    context_name_invalid,
    from_context,
    external_on_interface,
    external_unused,
    interface_key_not_on_implementation,
    interface_object_without_key,
    invalid_shareable_usage,
    cost_applied_to_interface_field,
    list_size,
    auth_requirements_applied_on_interface,
)
