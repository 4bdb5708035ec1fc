"""From Federation 1 to 2: saying out loud what Federation 1 took for granted.

Each step is what Federation 1 did silently. https://www.apollographql.com/docs/graphos/reference/
federation/federation-2-migration. The steps come in this order because field sets are only worth
trimming once key fields of extensions are known to resolve, unused externals show only once the
field sets are trimmed, and sharing is judged on the fields that are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.composition.facts import Facts
from gateway.composition.schema import Subgraph
from gateway.composition.upgrade.effects import (
    without_directives_without_effect,
    without_extensions,
)
from gateway.composition.upgrade.externals import (
    with_resolved_keys_of_extensions,
    without_external_on_types_and_interfaces,
    without_unused_externals,
)
from gateway.composition.upgrade.field_sets import with_active_field_sets, with_text_field_sets
from gateway.composition.upgrade.mapping import is_extension
from gateway.composition.upgrade.sharing import with_shareable, without_tags_told_elsewhere
from gateway.federation.link import Version

__all__ = ["is_extension", "upgrade"]

UPGRADED = Version(2, 4)


def upgrade(subgraph: Subgraph, everyone: Iterable[Subgraph]) -> Subgraph:
    """The subgraph as Federation 2 would have it written; Federation 2 comes back as it is."""
    if subgraph.version is not None:
        return subgraph
    others = [Facts(other) for other in everyone if other.name != subgraph.name]
    own_keys = Facts(subgraph).shareable
    upgraded = with_text_field_sets(subgraph)
    upgraded = without_external_on_types_and_interfaces(upgraded)
    upgraded = with_resolved_keys_of_extensions(upgraded, others)
    upgraded = with_active_field_sets(replace(upgraded, version=UPGRADED))
    upgraded = without_extensions(upgraded)
    upgraded = without_directives_without_effect(upgraded)
    upgraded = without_unused_externals(upgraded)
    upgraded = with_shareable(upgraded, own_keys, others)
    return without_tags_told_elsewhere(upgraded, others)
