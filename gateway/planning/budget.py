"""How much work the plan of one operation may take, however hard its schema makes it.

Work is counted, not timed, so that an operation has the same plan on every machine. The numbers
keep planning under half a second; of all operations seen in practice, none needs a tenth of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.planning.errors import PlanError

# An operation of a thousand fields makes some ten thousand positions.
MAX_POSITIONS = 20_000
# A search comes to a position several times, from the selections of several members.
MAX_STEPS = 50_000
MAX_WEIGHINGS = 100_000


@dataclass(slots=True)
class Budget:
    """What is left, for all searches together."""

    positions: int = field(default_factory=lambda: MAX_POSITIONS)
    steps: int = field(default_factory=lambda: MAX_STEPS)
    weighings: int = field(default_factory=lambda: MAX_WEIGHINGS)
    """Of alternatives. When they are used up, the best choice so far is taken."""

    def spend_position(self) -> None:
        self.positions -= 1
        if self.positions < 0:
            raise PlanError("the operation has too many possible plans")

    def spend_step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise PlanError("the operation has too many possible plans")
