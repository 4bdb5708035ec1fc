"""What benchmarks share: CPU time, which other processes on the machine barely change."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence


def cpu_seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """The least of some runs, none of which collects the garbage of what ran before."""
    gc.collect()
    return min(_once(work) for _ in range(repeats))


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
