"""Merging descriptions: the one most subgraphs give, the first of equals; empty ones last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def merge_descriptions(descriptions: Iterable[str | None]) -> str | None:
    counts = Counter(text for text in descriptions if text is not None)
    spoken = [text for text in counts if text] or list(counts)
    return max(spoken, key=counts.__getitem__) if spoken else None
