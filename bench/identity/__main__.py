"""Judge the matching of patients, tune it, and measure the index.

python -m bench.identity                judge: FEBRL, made-up households and the sandbox, into
                                        docs/identity.md
python -m bench.identity scale [N …]    index N people, ask 100,000 times, into docs/identity.md
python -m bench.identity tune           write the standard weights anew from FEBRL 1, 2 and 3
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import msgspec

from bench.identity.febrl import (
    HELD_BACK,
    TUNED_ON,
    Records,
    Score,
    by_points,
    decide_all,
    load,
    pairs_of,
    score,
    true_pairs,
)
from bench.identity.households import AS_PEOPLE_ARE, LOOKALIKES, households
from bench.identity.sandbox import judge_seed
from bench.identity.scale import Measured
from bench.identity.tuning import tune
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.people import Pair
from subgraphs.identity.index.weights import standard_weights

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
WEIGHTS = Path(__file__).parents[2] / "subgraphs/identity/index/data/weights.json"
SEEDS = range(200)
HOUSEHOLDS = 6_000
QUERIES = 100_000
SIZES = (10_000, 100_000, 1_000_000)
CURVE = range(8, 33, 2)


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case [] | ["judge"]:
            write("judged", f"{judge_febrl()}\n\n{judge_households()}\n\n{judge_sandbox()}")
        case ["scale", *sizes]:
            write("scale", scale([int(size) for size in sizes] or SIZES))
        case ["tune"]:
            weights = tune([load(name) for name in TUNED_ON])
            WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")
        case _:
            sys.exit(__doc__)


def judge_febrl() -> str:
    """Tables of what is linked of the set nothing was tuned on, and of those it was tuned on."""
    matcher = Matcher()
    records = load(*HELD_BACK)
    true, verdicts = true_pairs(records), decide_all(records, matcher)
    link = matcher.weights.link
    rows = [
        _judged(f"points alone, {link:.0f} or more", by_points(verdicts, true, link)),
        _judged("points and rules: linked", score(verdicts, true, Outcome.LINK)),
        _judged("points and rules: or for a human", score(verdicts, true, Outcome.REVIEW)),
    ]
    alone = [by_points(verdicts, true, link) for link in CURVE]
    ruled = [_by_rules(records, true, float(link)) for link in CURVE]
    tuned = []
    for name in TUNED_ON:
        of = load(name)
        linked = score(decide_all(of, matcher), true_pairs(of), Outcome.LINK)
        tuned.append(_judged(f"FEBRL {name[7]}", linked))
    head = "| | pairs | false | precision | recall |\n|---|---|---|---|---|"
    return "\n".join(
        [
            f"FEBRL 4, {len(records):,} records, {len(true):,} true pairs:",
            "",
            head,
            *rows,
            "",
            "The curve: linked by so many points, alone and where the rules allow it.",
            "",
            "| points | " + " | ".join(map(str, CURVE)) + " |",
            "|---|" + "---|" * len(CURVE),
            _line("precision, alone", (f"{each.precision:.5f}" for each in alone)),
            _line("recall, alone", (f"{each.recall:.4f}" for each in alone)),
            _line("precision, with rules", (f"{each.precision:.5f}" for each in ruled)),
            _line("recall, with rules", (f"{each.recall:.4f}" for each in ruled)),
            "",
            "The sets it was tuned on, points and rules:",
            "",
            head,
            *tuned,
        ]
    )


def _by_rules(records: Records, true: set[Pair], link: float) -> Score:
    weights = msgspec.structs.replace(standard_weights(), link=link)
    return score(decide_all(records, Matcher(weights)), true, Outcome.LINK)


def _judged(name: str, each: Score) -> str:
    false = each.linked - each.right
    return f"| {name} | {each.linked:,} | {false} | {each.precision:.5f} | {each.recall:.4f} |"


def _line(name: str, cells: Iterable[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def judge_households() -> str:
    """A table of made-up households: as people are, and each with somebody's lookalike."""
    rows = []
    for name, kinds in (("as people are", AS_PEOPLE_ARE), ("lookalikes everywhere", LOOKALIKES)):
        records, who = households(2, HOUSEHOLDS, kinds)
        verdicts = decide_all(records, Matcher())
        true = pairs_of({key: person.number for key, person in who.items()})
        linked = score(verdicts, true, Outcome.LINK)
        asked = sum(verdict.outcome is Outcome.REVIEW for verdict in verdicts.values())
        false = Counter(
            max(who[pair.one].kin, who[pair.other].kin)
            for pair, verdict in verdicts.items()
            if verdict.outcome is Outcome.LINK and pair not in true
        )
        whose = ", ".join(f"{kin} {count}" for kin, count in sorted(false.items())) or "none"
        rows.append(
            f"| {name} | {len(records):,} | {len(true):,} | {linked.precision:.5f} "
            f"| {linked.recall:.4f} | {asked:,} | {whose} |"
        )
    head = (
        "| households | records | true pairs | precision | recall | for a human | false, whose |\n"
        "|---|---|---|---|---|---|---|"
    )
    return f"{HOUSEHOLDS:,} made-up households:\n\n" + "\n".join([head, *rows])


def judge_sandbox() -> str:
    matcher = Matcher()
    seeds = [judge_seed(seed, 120, date(2026, 11, 22), matcher) for seed in SEEDS]
    true = sum(each.true for each in seeds)
    found = sum(each.found for each in seeds)
    reviews = sum(each.reviews for each in seeds) / len(seeds)
    wrong = sum(each.wrong for each in seeds)
    return (
        f"The sandbox's people, {len(seeds)} seeds of 120:\n\n"
        "| true pairs | found | recall | false links | for a human, each seed |\n"
        "|---|---|---|---|---|\n"
        f"| {true:,} | {found:,} | {found / true:.4f} | {wrong} | {reviews:.1f} |"
    )


def scale(sizes: Iterable[int]) -> str:
    return table([_measure(size) for size in sizes])


def table(measured: Iterable[Measured]) -> str:
    head = (
        "| people | records | CPU to index, ms each | queries | CPU, ms each | a second "
        "| compared with | found | false | on disk, MB | memory, MB: indexing | and asking |\n"
        + "|---" * 12
        + "|"
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
        f"{each.candidates / each.queries:.1f}",
        f"{each.found / each.known:.4f}",
        f"{each.wrong}",
        f"{each.disk_bytes / 1e6:,.0f}",
        f"{each.indexed_bytes / 1e6:,.0f}",
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
