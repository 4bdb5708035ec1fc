"""Case files: subgraphs and what is expected of them, several cases a file.

    ## a title
    # CODE subgraph:line:column        a problem expected; `-` where it has no place
    # hint CODE coordinate             a hint expected of subgraphs that compose
    # include-tag T                    of the contract, as is `exclude-tag T`
    # hide-unreachable-types           likewise
    # --- name                         the SDL of a subgraph follows
    # === api                          the API that clients are to see follows

Lines count from the one after `# ---`. Federation 2 subgraphs begin with `@fed2(...)`, which
stands for the link with those imports: `@fed2("@key", "@shareable")`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.composition import Contract, SubgraphInput

FOLDER = Path(__file__).parent / "cases"
VERSION = "v2.11"

_CONTRACT = re.compile(r"# (?:(?P<term>include|exclude)-tag (?P<tag>\S+)|hide-unreachable-types)")


@dataclass
class Case:
    file: str
    title: str
    problems: set[tuple[str, str]] = field(default_factory=set)
    hints: set[tuple[str, str]] = field(default_factory=set)
    sdl: dict[str, list[str]] = field(default_factory=dict)
    contract: Contract | None = None
    api: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"

    @property
    def subgraphs(self) -> list[SubgraphInput]:
        return [
            SubgraphInput(name, f"http://{name}", expanded("\n".join(lines).rstrip()))
            for name, lines in self.sdl.items()
        ]


def read_cases() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.graphql")) for case in _read(path)]


def _read(path: Path) -> list[Case]:
    cases: list[Case] = []
    in_api = False
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            cases.append(Case(path.stem, line[3:]))
            in_api = False
        elif line == "# === api":
            in_api = True
        elif in_api:
            cases[-1].api.append(line)
        elif line.startswith("# --- "):
            cases[-1].sdl[line[6:]] = []
        elif cases and cases[-1].sdl:
            next(reversed(cases[-1].sdl.values())).append(line)
        elif line.startswith("# hint "):
            code, coordinate = line[7:].split(maxsplit=1)
            cases[-1].hints.add((code, coordinate))
        elif match := _CONTRACT.fullmatch(line):
            cases[-1].contract = _with_term(cases[-1].contract or Contract(), match)
        elif line.startswith("# "):
            code, place = line[2:].split(maxsplit=1)
            cases[-1].problems.add((code, place))
    return cases


def _with_term(contract: Contract, match: re.Match[str]) -> Contract:
    if match["tag"] is None:
        return replace(contract, hide_unreachable_types=True)
    if match["term"] == "include":
        return replace(contract, include=contract.include | {match["tag"]})
    return replace(contract, exclude=contract.exclude | {match["tag"]})


def expanded(sdl: str) -> str:
    def link(match: re.Match[str]) -> str:
        url = f"https://specs.apollo.dev/federation/{match[1] or VERSION}"
        return f'extend schema @link(url: "{url}", import: [{match[2]}])'

    return re.sub(r"@fed2(?::(v\d\.\d+))?\(([^)]*)\)", link, sdl, count=1)
