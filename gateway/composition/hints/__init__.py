"""What composes, but perhaps not as meant: one kind of hint a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from gateway.composition.hints.applications import applications
from gateway.composition.hints.descriptions import descriptions
from gateway.composition.hints.executable import executable
from gateway.composition.hints.overrides import overrides
from gateway.composition.hints.presence import presence
from gateway.composition.hints.protected_non_null import protected_non_null
from gateway.composition.hints.types import types
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint

Hinter: TypeAlias = Callable[[Supergraph], Iterator[Hint]]

# What hides data from people comes first; the rest by how much of the API it changes.
HINTERS: tuple[Hinter, ...] = (
    protected_non_null,
    overrides,
    presence,
    types,
    executable,
    applications,
    descriptions,
)


def find_hints(supergraph: Supergraph) -> tuple[Hint, ...]:
    return tuple(dict.fromkeys(hint for hinter in HINTERS for hint in hinter(supergraph)))
