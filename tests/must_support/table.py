"""What a table of must-support elements says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from tests.must_support.reading import KINDS


class Row(NamedTuple):
    element: str
    path: str
    kind: str


class Type(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resource type we read."""

    subgraph: str
    shown: Mapping[str, str]
    profiles: Mapping[str, str]
    """Each with the elements it marks, side by side."""
    owner: str = "subject"
    typename: str = ""
    """The published type, where its name is another."""
    sealed: str = ""
    """The type its ids are sealed for, where that is another."""
    known_as: str = "{id}"
    """Its id there."""
    unseen: str = ""
    """Elements of rows that no example of ours has: what is asked of them is valid, at least."""
    not_shown: Mapping[str, str] = {}
    """Elements that are marked and not shown, with the reason."""

    @property
    def rows(self) -> list[Row]:
        split = ((element, *to.split()) for element, to in self.shown.items())
        return [Row(element, path, *(kind or ["text"])) for element, path, *kind in split]

    def covers(self, element: str) -> bool:
        """Whether it is shown, or each of its parts is that a row names."""
        known = (*self.shown, *self.not_shown)
        return any(
            each == element
            or each.startswith((f"{element}.", f"{element}("))
            or element.startswith(f"{each}.")
            for each in known
        )


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    types: Mapping[str, Type]
    not_read: Mapping[str, str]
    """Types that are not read, each with the reason."""


def load_table(name: str) -> Table:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=yaml.BaseLoader), Table)


def holes(table: Table) -> list[str]:
    """What a table marks and does not place, and rows of a kind that is not known."""
    marked = [
        f"{name}.{element}"
        for name, type_ in table.types.items()
        for elements in type_.profiles.values()
        for element in elements.split()
        if not type_.covers(element)
    ]
    unknown = [
        f"{name}.{row.element}: {row.kind}"
        for name, type_ in table.types.items()
        for row in type_.rows
        if row.kind not in KINDS
    ]
    return marked + unknown
