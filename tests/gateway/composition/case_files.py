"""Case files: subgraphs and what is expected of them, several cases a file.

    ## a title
    # CODE subgraph:line:column        a problem expected; `-` where it has no place
    # hint CODE coordinate             a hint expected of subgraphs that compose
    # --- name                         the SDL of a subgraph follows

Lines count from the one after `# ---`. Federation 2 subgraphs begin with `@fed2(...)`, which
stands for the link with those imports: `@fed2("@key", "@shareable")`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from gateway.composition import SubgraphInput

FOLDER = Path(__file__).parent / "cases"
VERSION = "v2.11"


@dataclass
class Case:
    file: str
    title: str
    problems: set[tuple[str, str]] = field(default_factory=set)
    hints: set[tuple[str, str]] = field(default_factory=set)
    sdl: dict[str, list[str]] = field(default_factory=dict)

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
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            cases.append(Case(path.stem, line[3:]))
        elif line.startswith("# --- "):
            cases[-1].sdl[line[6:]] = []
        elif cases and cases[-1].sdl:
            next(reversed(cases[-1].sdl.values())).append(line)
        elif line.startswith("# hint "):
            code, coordinate = line[7:].split(maxsplit=1)
            cases[-1].hints.add((code, coordinate))
        elif line.startswith("# "):
            code, place = line[2:].split(maxsplit=1)
            cases[-1].problems.add((code, place))
    return cases


def expanded(sdl: str) -> str:
    def link(match: re.Match[str]) -> str:
        url = f"https://specs.apollo.dev/federation/{match[1] or VERSION}"
        return f'extend schema @link(url: "{url}", import: [{match[2]}])'

    return re.sub(r"@fed2(?::(v\d\.\d+))?\(([^)]*)\)", link, sdl, count=1)
