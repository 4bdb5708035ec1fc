"""Judge the matching of patients, tune it, and measure the index.

python -m bench.identity judge          FEBRL and the sandbox, into docs/identity.md
python -m bench.identity scale [N …]    index N people, ask 100,000 times, into docs/identity.md
python -m bench.identity tune           write the standard weights anew from FEBRL 1, 2 and 3
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import msgspec

from bench.identity.febrl import HELD_BACK, TUNED_ON, by_points, decide_all, load, score, true_pairs
from bench.identity.sandbox import judge_seed
from bench.identity.scale import Measured
from bench.identity.tuning import tune
from subgraphs.identity.index.matching import Matcher, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
WEIGHTS = Path(__file__).parents[2] / "subgraphs/identity/index/data/weights.json"
SEEDS = range(20)
QUERIES = 100_000
SIZES = (10_000, 100_000, 1_000_000)
CURVE = range(8, 33, 2)


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["judge"]:
            write("judged", judge())
        case ["scale", *sizes]:
            write("scale", scale([int(size) for size in sizes] or SIZES))
        case ["tune"]:
            weights = tune([load(name) for name in TUNED_ON])
            WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")
        case _:
            sys.exit(__doc__)


def judge() -> str:
    """Tables of how well people are told apart and brought together."""
    matcher = Matcher()
    records = load(*HELD_BACK)
    true, verdicts = true_pairs(records), decide_all(records, matcher)
    linked = score(verdicts, true, Outcome.LINK)
    seen = score(verdicts, true, Outcome.REVIEW)
    alone = by_points(verdicts, true, matcher.weights.link)
    rows = [
        f"| {name} | {each.linked:,} | {each.linked - each.right} | {each.precision:.5f} "
        f"| {each.recall:.4f} |"
        for name, each in (
            (f"points alone, {matcher.weights.link:.0f} or more", alone),
            ("points and rules: linked", linked),
            ("points and rules: linked, or for a human", seen),
        )
    ]
    curve = [(link, by_points(verdicts, true, link)) for link in CURVE]
    return "\n".join(
        [
            f"FEBRL 4, {len(records):,} records, {len(true):,} true pairs:",
            "",
            "| | pairs | false | precision | recall |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "The curve: linked by so many points alone.",
            "",
            "| points | " + " | ".join(str(link) for link, _ in curve) + " |",
            "|---|" + "---|" * len(curve),
            "| precision | " + " | ".join(f"{each.precision:.5f}" for _, each in curve) + " |",
            "| recall | " + " | ".join(f"{each.recall:.4f}" for _, each in curve) + " |",
            "",
            *_sandbox(matcher),
        ]
    )


def _sandbox(matcher: Matcher) -> Iterable[str]:
    seeds = [judge_seed(seed, 120, date(2026, 11, 22), matcher) for seed in SEEDS]
    true = sum(each.true for each in seeds)
    found = sum(each.found for each in seeds)
    yield f"The sandbox's people, {len(seeds)} seeds of 120:"
    yield ""
    yield "| true pairs | found | recall | false links | for a human, each seed |"
    yield "|---|---|---|---|---|"
    reviews = sum(each.reviews for each in seeds) / len(seeds)
    wrong = sum(each.wrong for each in seeds)
    yield f"| {true:,} | {found:,} | {found / true:.4f} | {wrong} | {reviews:.1f} |"


def scale(sizes: Iterable[int]) -> str:
    return table([_measure(size) for size in sizes])


def table(measured: Iterable[Measured]) -> str:
    head = (
        "| people | records | CPU to index, ms each | queries | CPU, ms each | a second "
        "| found | false | on disk, MB | memory, MB |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *map(_row, measured)])


def _row(each: Measured) -> str:
    query = each.query_seconds / each.queries
    cells = (
        f"{each.people:,}",
        f"{each.records:,}",
        f"{each.index_seconds / each.records * 1e3:.2f}",
        f"{each.queries:,}",
        f"{query * 1e3:.2f}",
        f"{1 / query:,.0f}",
        f"{each.found / each.known:.4f}",
        f"{each.wrong}",
        f"{each.disk_bytes / 1e6:,.0f}",
        f"{each.peak_bytes / 1e6:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _measure(size: int) -> Measured:
    # In a process of its own: what memory was needed at most is told for a whole process.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "identity.db"
        command = [sys.executable, "-m", "bench.identity.scale", str(size), str(QUERIES), str(file)]
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own module
    return msgspec.json.decode(done.stdout, type=Measured)


def write(part: str, text: str) -> None:
    """Put a measured part where the page has its marks."""
    page = PAGE.read_text(encoding="utf-8")
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, _, rest = page.partition(start)
    after = rest.partition(end)[2]
    PAGE.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
