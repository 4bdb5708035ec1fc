"""docs/errors.md lists every code; `UPDATE=1` rewrites the list."""

import os
from pathlib import Path

from contract.errors import MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """## Codes

| code | status | what happened | what to do |
|---|---|---|---|
"""


def test_the_page_lists_every_code():
    before, head, listed = PAGE.read_text().partition(HEAD)
    assert head
    rows = "".join(
        f"| `{code}` | {meaning.status} | {meaning.message} | {meaning.mend} |\n"
        for code, meaning in MEANINGS.items()
    )
    if os.environ.get("UPDATE"):
        PAGE.write_text(before + head + rows)
        listed = rows
    assert listed == rows
