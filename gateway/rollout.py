"""Which fields that move from one subgraph to another are taken from the new one, for one request.

`@override(label: "percent(5)")` moves that share of the requests; of any other label the settings
name the share. https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#progressive-override
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Mapping

_PERCENT = re.compile(r"percent\((?P<share>\d{1,3}(?:\.\d{1,8})?)\)", re.ASCII)


class Rollout:
    def __init__(
        self,
        labels: Collection[str],
        shares: Mapping[str, float],
        throw: Callable[[], float] = random.random,
    ) -> None:
        """`shares`, in percent, are those of labels that do not tell their own."""
        self._shares = {label: _share(label, shares) for label in labels}
        self._throw = throw

    def labels(self) -> frozenset[str]:
        """Those that are on for the next request.

        One throw decides about all, so that there are few combinations to plan for.
        """
        return self._below(self._throw() * 100) if self._shares else frozenset()

    @property
    def usual(self) -> frozenset[str]:
        """Those that are on for every second request, or more."""
        return self._below(50)

    def _below(self, thrown: float) -> frozenset[str]:
        return frozenset(label for label, share in self._shares.items() if thrown < share)


def _share(label: str, shares: Mapping[str, float]) -> float:
    percent = _PERCENT.fullmatch(label)
    return float(percent["share"]) if percent else shares.get(label, 0.0)
