"""The architecture holds: who may import whom is written in pyproject.toml."""

import subprocess
import sys
from pathlib import Path


def test_every_import_respects_the_layers():
    lint = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [lint, "--no-cache"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout
