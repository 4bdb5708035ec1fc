"""Bars, as an SVG: for each operation what each gateway does in the time that one of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

ROW: Final = 22
LEFT: Final = 210
WIDTH: Final = 460
_OURS: Final = "#2f6f8f"
_OTHERS: Final = "#9aa5ab"


def bars(title: str, groups: Mapping[str, Mapping[str, float]], ours: Sequence[str]) -> str:
    """`groups` are of rows by their names, drawn to one scale; `ours` stand out."""
    most = max(value for rows in groups.values() for value in rows.values())
    parts: list[str] = []
    top = 40
    for name, rows in groups.items():
        parts.append(_text(10, top, name, weight="bold"))
        top += ROW
        for row, value in sorted(rows.items(), key=lambda each: -each[1]):
            width = max(1.0, WIDTH * value / most)
            colour = _OURS if row in ours else _OTHERS
            parts.append(_text(20, top, row))
            parts.append(
                f'<rect x="{LEFT}" y="{top - 13}" width="{width:.0f}" height="16" fill="{colour}"/>'
            )
            parts.append(_text(LEFT + width + 6, top, f"{value:.1f}"))
            top += ROW
        top += ROW // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{top}"'
        ' font-family="sans-serif" font-size="13" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>{_text(10, 18, title)}'
        f"{''.join(parts)}</svg>\n"
    )


def _text(x: float, y: float, text: str, *, weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y}" font-weight="{weight}">{escape(text)}</text>'
