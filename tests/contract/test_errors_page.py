"""docs/errors.md lists every code; `UPDATE=1` rewrites it."""

import os
from pathlib import Path

from contract.errors import MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """# Error codes

Every error a client meets carries one of these in `extensions.code`, and how to mend it in
`extensions.mend`. A code is never renamed and never reused. The status is that of a request the
error ends whole; an error beside data comes with 200.

| code | status | what happened | what to do |
|---|---|---|---|
"""


def test_the_page_lists_every_code():
    rows = (
        f"| `{code}` | {meaning.status} | {meaning.message} | {meaning.mend} |"
        for code, meaning in MEANINGS.items()
    )
    page = HEAD + "\n".join(rows) + "\n"
    if os.environ.get("UPDATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page
