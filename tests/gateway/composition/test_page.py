"""docs/composing.md lists every code and its mend; `UPDATE=1` rewrites the list."""

import os
from pathlib import Path

from gateway.composition.mends import codes, mend

PAGE = Path(__file__).parents[3] / "docs" / "composing.md"
HEADING = "## Codes\n\n"


def test_the_page_lists_every_code():
    text, _, listed = PAGE.read_text().partition(HEADING)
    expected = "| code | what to do |\n|---|---|\n" + "".join(
        f"| `{code}` | {mend(code)} |\n" for code in sorted(codes())
    )
    if os.environ.get("UPDATE"):
        PAGE.write_text(text + HEADING + expected)
    else:
        assert listed == expected
