"""The two outside gateways, asked through the small Node package beside this file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent

Judge = Literal["apollo", "hive"]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    judge: Judge
    sdl: str
    operations: Mapping[str, str] = field(default_factory=dict)
    """Valid ones by a label, to be planned too."""


def refusals(cases: Iterable[Case]) -> dict[Judge, dict[str, str]]:
    """Of each gateway, the cases ("name") and operations ("name label") it refuses, and why."""
    refused: dict[Judge, dict[str, str]] = run("accept.mjs", [asdict(case) for case in cases])
    return refused


def run(script: str, given: Any) -> Any:
    """What a script beside this file answers; it reads and writes JSON."""
    process = subprocess.run(
        ["node", HERE / script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout)


def installed() -> bool:
    return shutil.which("node") is not None and (HERE / "node_modules" / ".installed").exists()
