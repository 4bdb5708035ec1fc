"""@apollo/gateway and Hive's gateway, asked through the small Node package beside this file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

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
    return run("accept.mjs", [asdict(case) for case in cases])


def run(script: str, given: Any) -> Any:
    """What a script beside this file answers; it reads and writes JSON."""
    process = subprocess.run(
        [_node(), HERE / script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout)


def _node() -> str:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / ".installed").exists():
        absent = "the outside gateways are absent: make tests/node/node_modules/.installed"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    return node
