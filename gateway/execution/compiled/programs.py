"""Programs that are kept, each from the time it is worth it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gateway.cache.lru import LruCache
from gateway.execution.compiled.compile import compile_program
from gateway.execution.compiled.errors import NotCompilableError
from gateway.execution.compiled.program import Program
from gateway.execution.shapes import ObjectShape
from gateway.federation.supergraph import Supergraph
from gateway.operation.tree import Operation
from gateway.planning.plan import QueryPlan

MAX_PROGRAMS: Final = 10_000
MAX_BYTES: Final = 64 * 1024 * 1024
USES_BEFORE: Final = 1
"""What is asked only once is not worth compiling."""
_BYTES_UNCOMPILED: Final = 500


class ProgramKey(msgspec.Struct, frozen=True, cache_hash=True):
    """Stands for a plan, and for the shape of the client's answer."""

    operation: Operation
    """As the client asks for it."""
    refusals: frozenset[tuple[Any, ...]]
    labels: frozenset[str]
    booleans: frozenset[tuple[str, bool]]
    """Of the variables; no others decide about what is asked."""


@dataclass(slots=True)
class _Kept:
    uses: int = 0
    program: Program | None = None


class Programs:
    def __init__(self, supergraph: Supergraph, *, uses_before: int = USES_BEFORE) -> None:
        self._supergraph = supergraph
        self._uses_before = uses_before
        self._kept = LruCache[ProgramKey, _Kept](MAX_PROGRAMS, weight=MAX_BYTES)

    def known(self, key: ProgramKey) -> Program | None:
        """What `find` would find, where it has found it before."""
        kept = self._kept.get(key)
        return kept.program if kept is not None else None

    def find(
        self,
        key: ProgramKey,
        plan: QueryPlan,
        shape: Callable[[], ObjectShape],
    ) -> Program | None:
        """None for what has not been asked often enough, or has to go the general way.

        The shape is made only when needed.
        """
        kept = self._kept.get(key)
        if kept is None:
            kept = _Kept()
            self._kept.put(key, kept, weight=_BYTES_UNCOMPILED)
        if kept.uses == self._uses_before:
            try:
                booleans = dict(key.booleans)
                kept.program = compile_program(plan, shape(), self._supergraph, booleans)
                self._kept.put(key, kept, weight=kept.program.bytes)
            except NotCompilableError:
                # It is not tried again: nothing about it will change.
                pass
        kept.uses += 1
        return kept.program
