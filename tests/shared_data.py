"""Real inputs nobody here wrote lie beside the repository, not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("CHARTGRAPH_SHARED") or Path(__file__).parents[2] / "shared")


def shared_data(*parts: str) -> Path:
    """The path below the real inputs; skips the test where they are absent, fails in CI."""
    path = ROOT.joinpath("data", *parts)
    if not path.exists():
        absent = f"the real inputs are absent: set CHARTGRAPH_SHARED or provide {ROOT}"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent, allow_module_level=True)
    return path
