"""Run the benchmarks, each in a process of its own, and write docs/benchmarks.md.

python -m bench
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

BENCHMARKS = {
    "bench.composing": "Composing",
    "bench.planning": "Planning",
    "bench.limits": "Refusing, and counting costs",
    "bench.authorization": "Authorization",
    "bench.exports": "Exports in bulk",
}

INTRODUCTION = """\
# Benchmarks

Written by `python -m bench`; `bench/README.md` says what is measured. Times are of CPU, and beside
each stands what graphql-core needs for the same text in the same run: the ratio says more than the
time, which is that of one machine (CPython {python}, {machine}).
"""


def main() -> None:
    parts = [INTRODUCTION.format(python=platform.python_version(), machine=platform.machine())]
    for module, title in BENCHMARKS.items():
        command = [sys.executable, "-m", module]
        measured = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- our own modules
        parts.append(f"## {title}\n\n{measured}")
    PAGE.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
