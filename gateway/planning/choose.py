"""Choose one of the alternatives of each leaf so that all of them together cost least.

A depth-first search, cheapest first, whose first descent is the greedy answer; what follows is
branch and bound. A partial choice never costs less when it is completed, so that one as dear as
the best known can be cut off. What adds no fetch is taken at once, which leaves little to branch
on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.planning.positions import Cost, Position, PositionTree

Alternatives: TypeAlias = tuple[Position, ...]
Weight: TypeAlias = tuple[int, int, int]

# Enough to prove the best of every plan seen in practice; past it, the best so far is good.
MAX_BRANCHES = 500
# A branch weighs each of them, so that with more of them only requests are worth the work.
MAX_LEAVES_TO_REFINE = 200


def choose(
    tree: PositionTree, leaves: Sequence[Alternatives], base: Cost | None = None
) -> tuple[Position, ...]:
    """One position for each leaf, in their order, given that `base` is paid for anyway."""
    if all(len(leaf) == 1 for leaf in leaves):
        return tuple(dict.fromkeys(leaf[0] for leaf in leaves))
    search = _Search(tree, list(dict.fromkeys(leaves)))
    # Requests first, then hops: steps only break ties, and to prove the best takes far more work.
    many = sum(len(leaf) > 1 for leaf in search.leaves) > MAX_LEAVES_TO_REFINE
    for precision in (1,) if many else (1, 2, 3):
        search.precision, search.branches = precision, 0
        search.descend({}, base or Cost())
    return tuple(dict.fromkeys(search.best[leaf] for leaf in leaves))


@dataclass(slots=True)
class _Search:
    tree: PositionTree
    leaves: list[Alternatives]
    best: dict[Alternatives, Position] = field(default_factory=dict)
    best_weight: Weight | None = None
    precision: int = 1
    """How many parts of the weight are to be improved on."""
    branches: int = 0

    def descend(self, chosen: dict[Alternatives, Position], cost: Cost) -> None:
        chosen = dict(chosen)
        cost, undecided = self._take_what_is_free(chosen, cost)
        weight = self.tree.weigh(cost)
        if self.best_weight is not None:
            best = self.best_weight[: self.precision]
            if weight[: self.precision] >= best:
                return
        if not undecided:
            self.best, self.best_weight = chosen, weight
            return
        leaf = min(undecided, key=len)
        for position in sorted(leaf, key=lambda each: self.tree.weigh(cost | each.cost)):
            self.branches += 1
            if self.best_weight is not None and self._is_tired():
                return
            self.descend({**chosen, leaf: position}, cost | position.cost)

    def _is_tired(self) -> bool:
        return self.branches > MAX_BRANCHES or self.tree.budget.weighings < 0

    def _take_what_is_free(
        self, chosen: dict[Alternatives, Position], cost: Cost
    ) -> tuple[Cost, list[Alternatives]]:
        undecided = [leaf for leaf in self.leaves if leaf not in chosen]
        settled = False
        while not settled:
            settled, left = True, []
            for leaf in undecided:
                position = self._free(leaf, cost)
                if position is None:
                    left.append(leaf)
                    continue
                chosen[leaf] = position
                if position.cost.hops & ~cost.hops:
                    settled = False
                cost |= position.cost
            undecided = left
        return cost, undecided

    def _free(self, leaf: Alternatives, cost: Cost) -> Position | None:
        """What there is no reason not to take."""
        if len(leaf) == 1:
            return leaf[0]
        self.tree.budget.weighings -= len(leaf)
        free = [
            (self.tree.weigh(cost | position.cost), position)
            for position in leaf
            if not position.cost.requests & ~cost.requests
            and (self.precision == 1 or not position.cost.hops & ~cost.hops)
        ]
        return min(free, key=lambda each: each[0], default=(None, None))[1]
