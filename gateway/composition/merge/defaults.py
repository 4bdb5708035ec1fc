"""Merging default values: all must agree, and one without a default leaves none."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.composition.schema import Argument, Field
from gateway.composition.values import Value


def merge_defaults(sources: Sequence[Argument | Field]) -> tuple[bool, Value]:
    """Whether there is a default, and which."""
    first = sources[0]
    agreed = all(source.has_default and source.default == first.default for source in sources)
    return (True, first.default) if agreed else (False, None)


def defaults_conflict(sources: Sequence[Argument | Field]) -> bool:
    """Two different defaults cannot be reconciled, whatever the others say."""
    given = {source.default for source in sources if source.has_default}
    return len(given) > 1
