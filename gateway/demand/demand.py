"""What an operation costs whoever asks: estimated, refused beyond the maximum, paid, counted.

price (once for an operation) ─ charge (estimate, refuse, pay) ─ run ─ settle (count, refund)
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, Final

import msgspec

from contract.errors import Code
from gateway.bounds import DEVELOPER, Cost, CostMode, Show
from gateway.cache.lru import LruCache
from gateway.demand.actual import Tally, compile_tally
from gateway.demand.estimate import Size, compile_estimate
from gateway.demand.inputs import Variables
from gateway.demand.till import Account, Throttle, Till
from gateway.demand.weights import Weights
from gateway.errors import Complaint, PublicText, RequestError
from gateway.operation.tree import Operation, OperationKind, SelectionSet
from gateway.telemetry import Metrics

PRICES: Final = 10_000
PRICED_FIELDS: Final = 200_000
"""In all priced operations together; a field takes some 500 bytes, most of it for counting."""


class Price:
    """Of one operation, whoever asks and with whatever variables."""

    def __init__(self, operation: Operation, weights: Weights, cost: Cost) -> None:
        self._operation = operation
        self._weights = weights
        self._compiled = compile_estimate(operation, weights, cost)
        self.once = operation.kind is not OperationKind.SUBSCRIPTION
        """Whether there is one answer to it."""

    def estimate(self, variables: Variables) -> int:
        estimate = self._compiled.estimate
        return estimate.cost(variables) if estimate.parts else estimate.fixed

    def actual(self, data: Any, variables: Variables) -> int:
        return self._compiled.base.cost(variables) + self._tally.count(data, variables)

    def unsliced(self, variables: Variables) -> Size | None:
        """A list of which not exactly one slicing argument is given, though one has to be."""
        return next((size for size in self._compiled.sliced if size.given(variables) != 1), None)

    @cached_property
    def _tally(self) -> Tally:
        return compile_tally(self._operation, self._weights)


class Bill(msgspec.Struct, frozen=True):
    """What one request was charged."""

    demand: Demand
    price: Price
    variables: Variables
    requested: int
    shown: bool
    """Whether the answer tells it."""
    account: Account | None = None
    """Where it was paid from; None where nothing had to be paid."""
    throttle: Throttle | None = None

    def settle(self, data: Any) -> dict[str, Any] | None:
        """Count an answer and give back the difference; what to tell of it, if it is told.

        A subscription's events are paid for one by one, beside what it was opened with.
        """
        if self.account is None and not self.shown:
            return None
        return self.demand.settle(self, data)

    def release(self) -> None:
        """Give everything back: nothing was asked of anyone."""
        self.demand.release(self)


class Demand:
    """One schema's prices; the till outlives it."""

    def __init__(self, weights: Weights, cost: Cost, till: Till, metrics: Metrics) -> None:
        self._weights = weights
        self._cost = cost
        self._till = till
        self._estimated = metrics.cost.of("estimated")
        self._actual = metrics.cost.of("actual")
        self._prices: LruCache[Operation, Price] = LruCache(PRICES, weight=PRICED_FIELDS)

    def price(self, operation: Operation) -> Price:
        price = self._prices.get(operation)
        if price is None:
            price = Price(operation, self._weights, self._cost)
            self._prices.put(operation, price, weight=_size(operation.selections))
        return price

    async def charge(
        self,
        operation: Operation,
        variables: Variables,
        account: Account,
        roles: Collection[str] = (),
    ) -> Bill | None:
        """None where costs are off; `roles` are those of whoever asks.

        Raises `RequestError` or `BusyError`, and then nothing is paid.
        """
        charges = self._till.charges(account)
        if self._cost.mode is CostMode.OFF:
            if charges:
                await self._till.pay(account, 0)
            return None
        price = self.price(operation)
        requested = price.estimate(variables)
        self._estimated.observe(requested)
        if self._cost.mode is CostMode.ENFORCE:
            self._check(price, requested, variables)
        if not charges:
            return Bill(self, price, variables, requested, self._shown(roles))
        _check(requested, self._till.most(account))
        throttle = await self._till.pay(account, requested)
        return Bill(self, price, variables, requested, self._shown(roles), account, throttle)

    def bill(self, price: Price, variables: Variables, roles: Collection[str] = ()) -> Bill:
        """As `charge`, where costs are on and nobody pays.

        Raises `RequestError`, and then nothing is counted either.
        """
        requested = price.estimate(variables)
        cost = self._cost
        if cost.mode is CostMode.ENFORCE:
            self._check(price, requested, variables)
        self._estimated.observe(requested)
        shown = cost.show is not Show.NEVER and self._shown(roles)
        return Bill(self, price, variables, requested, shown)

    def _check(self, price: Price, requested: int, variables: Variables) -> None:
        _check(requested, self._cost.maximum)
        _check_slicing(price, variables)

    @property
    def counts(self) -> bool:
        """Whether an operation has a price at all."""
        return self._cost.mode is not CostMode.OFF

    def settle(self, bill: Bill, data: Any) -> dict[str, Any] | None:
        # Of an answer that came to nothing nobody can tell what it took.
        actual = bill.requested if data is None else bill.price.actual(data, bill.variables)
        self._actual.observe(actual)
        unspent = bill.requested - actual if bill.price.once else -actual
        if bill.account is not None and unspent:
            self._till.refund(bill.account, unspent)
        if not bill.shown:
            return None
        shown: dict[str, Any] = {
            "requestedQueryCost": bill.requested,
            "actualQueryCost": actual,
        }
        if bill.throttle is not None:
            shown["throttleStatus"] = bill.throttle.render(unspent)
        return shown

    def release(self, bill: Bill) -> None:
        if bill.account is not None and bill.requested:
            self._till.refund(bill.account, bill.requested)

    def _shown(self, roles: Collection[str]) -> bool:
        show = self._cost.show
        return show is Show.EVERYONE or (show is Show.DEVELOPERS and DEVELOPER in roles)

    def explain(self, operation: Operation, variables: Variables) -> dict[str, Any]:
        """What it would be charged, for a developer to read."""
        requested = self.price(operation).estimate(variables)
        return {"requestedQueryCost": requested, "maximum": self._cost.maximum}


def _check(requested: int, maximum: int | None) -> None:
    if maximum is None or requested <= maximum:
        return
    text = f"The operation may cost {requested} points; one may cost {maximum} at most."
    cost = {"requestedQueryCost": requested, "maximum": maximum}
    raise RequestError(
        Code.COST_ESTIMATED_TOO_EXPENSIVE, Complaint(PublicText(text)), extensions={"cost": cost}
    )


def _check_slicing(price: Price, variables: Variables) -> None:
    size = price.unsliced(variables)
    if size is not None:
        names = ", ".join(each.name for each in size.slices)
        text = PublicText(f"{size.coordinate} needs exactly one of its arguments {names}.")
        raise RequestError(Code.SLICING_ARGUMENT_REQUIRED, Complaint(text))


def _size(selections: SelectionSet) -> int:
    return sum(1 + _size(each.selections) for each in selections)
