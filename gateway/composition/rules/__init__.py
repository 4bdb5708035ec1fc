"""What is asked of subgraphs, one rule a file, in rounds.

A round starts only when the rounds before found nothing: of a schema that is no valid GraphQL one
cannot say whether its keys are right. Within a round every rule speaks, and every problem is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from gateway.composition.facts import Facts
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem
from gateway.composition.read import ParsedSubgraph
from gateway.composition.rules.auth_requirements_applied_on_interface import (
    auth_requirements_applied_on_interface,
)
from gateway.composition.rules.context_name_invalid import context_name_invalid
from gateway.composition.rules.cost_applied_to_interface_field import (
    cost_applied_to_interface_field,
)
from gateway.composition.rules.default_value_uses_inaccessible import (
    default_value_uses_inaccessible,
)
from gateway.composition.rules.definition_invalid import definition_invalid
from gateway.composition.rules.directive_composition import directive_composition
from gateway.composition.rules.disallowed_inaccessible import disallowed_inaccessible
from gateway.composition.rules.extension_with_no_base import (
    extension_with_no_base,
    federation_1_extension_with_no_base,
)
from gateway.composition.rules.external_mismatch import external_mismatch
from gateway.composition.rules.external_missing_on_base import external_missing_on_base
from gateway.composition.rules.external_on_interface import external_on_interface
from gateway.composition.rules.external_unused import external_unused
from gateway.composition.rules.field_argument_mismatch import field_argument_mismatch
from gateway.composition.rules.field_type_mismatch import field_type_mismatch
from gateway.composition.rules.from_context import from_context
from gateway.composition.rules.implemented_by_inaccessible import implemented_by_inaccessible
from gateway.composition.rules.interface_field_no_implem import interface_field_no_implem
from gateway.composition.rules.interface_key_missing_implementation_type import (
    interface_key_missing_implementation_type,
)
from gateway.composition.rules.interface_key_not_on_implementation import (
    interface_key_not_on_implementation,
)
from gateway.composition.rules.interface_object_over_federation_1 import (
    interface_object_over_federation_1,
)
from gateway.composition.rules.interface_object_usage import interface_object_usage
from gateway.composition.rules.interface_object_without_key import interface_object_without_key
from gateway.composition.rules.invalid_field_sharing import invalid_field_sharing
from gateway.composition.rules.invalid_graphql import invalid_graphql
from gateway.composition.rules.invalid_link import invalid_link
from gateway.composition.rules.invalid_shareable_usage import invalid_shareable_usage
from gateway.composition.rules.invalid_subgraph_name import invalid_subgraph_name
from gateway.composition.rules.key_fields import key_fields
from gateway.composition.rules.link_import_name_mismatch import link_import_name_mismatch
from gateway.composition.rules.list_size import list_size
from gateway.composition.rules.merged_directive_application_on_external import (
    merged_directive_application_on_external,
)
from gateway.composition.rules.merged_enum import merged_enum
from gateway.composition.rules.merged_input import merged_input
from gateway.composition.rules.missing_transitive_auth_requirements import (
    missing_transitive_auth_requirements,
)
from gateway.composition.rules.no_queries import no_queries
from gateway.composition.rules.only_inaccessible_children import only_inaccessible_children
from gateway.composition.rules.override import override
from gateway.composition.rules.provides_fields import provides_fields
from gateway.composition.rules.query_root_type_inaccessible import query_root_type_inaccessible
from gateway.composition.rules.referenced_inaccessible import referenced_inaccessible
from gateway.composition.rules.required_inaccessible import required_inaccessible
from gateway.composition.rules.requires_fields import requires_fields
from gateway.composition.rules.requires_of_merged_arguments import requires_of_merged_arguments
from gateway.composition.rules.root_type_used import root_type_used
from gateway.composition.rules.satisfiability import satisfiability
from gateway.composition.rules.supergraph_invalid import supergraph_invalid
from gateway.composition.rules.type_kind_mismatch import type_kind_mismatch
from gateway.composition.rules.type_with_only_unused_external import type_with_only_unused_external
from gateway.composition.rules.unknown_federation_link_version import (
    unknown_federation_link_version,
)
from gateway.composition.schema import Subgraph

DocumentRule: TypeAlias = Callable[[ParsedSubgraph], Iterator[Problem]]
SubgraphRule: TypeAlias = Callable[[Facts], Iterator[Problem]]
UpgradeRule: TypeAlias = Callable[[Sequence[Subgraph]], Iterator[Problem]]
SupergraphRule: TypeAlias = Callable[[Supergraph], Iterator[Problem]]

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
    disallowed_inaccessible,
)

# What would be lost by upgrading subgraphs of Federation 1, so they are asked before.
UPGRADE_RULES: tuple[UpgradeRule, ...] = (
    federation_1_extension_with_no_base,
    interface_object_over_federation_1,
)

# What the upgrade may have left of a subgraph; if that is sound, it is judged like any other.
UPGRADED_RULES: tuple[SubgraphRule, ...] = (type_with_only_unused_external,)

# The names that directives have in the supergraph: until they are clear, merging what the
# directives say means nothing.
NAMING_RULES: tuple[SupergraphRule, ...] = (
    link_import_name_mismatch,
    directive_composition,
)

# What subgraphs say differently. They look at sources and so do not mind each other's problems.
MERGING_RULES: tuple[SupergraphRule, ...] = (
    type_kind_mismatch,
    interface_object_usage,
    extension_with_no_base,
    override,
    invalid_field_sharing,
    external_missing_on_base,
    merged_directive_application_on_external,
    field_type_mismatch,
    field_argument_mismatch,
    external_mismatch,
    interface_key_missing_implementation_type,
    merged_enum,
    merged_input,
    no_queries,
)

# What only shows in a supergraph that could be merged.
MERGED_RULES: tuple[SupergraphRule, ...] = (
    interface_field_no_implem,
    requires_of_merged_arguments,
    missing_transitive_auth_requirements,
)

# Whether the supergraph is a schema, and what clients see of it is one too.
API_RULES: tuple[SupergraphRule, ...] = (
    supergraph_invalid,
    query_root_type_inaccessible,
    referenced_inaccessible,
    only_inaccessible_children,
    implemented_by_inaccessible,
    required_inaccessible,
    default_value_uses_inaccessible,
)

# Last, because it walks the API the others made sure of.
WALKING_RULES: tuple[SupergraphRule, ...] = (satisfiability,)
