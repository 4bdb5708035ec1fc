"""What an operation may cost, before it runs.

Compiled once for an operation: what no variable changes is one number, and only the rest is worked
out for a request. Nothing a client can send lowers the estimate below what it would be by the
schema's own numbers: a `first` that is null, no number or less than one counts as the most that
the schema says of the list. https://ibm.github.io/graphql-specs/cost-spec.html#sec-Query-Cost
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)

from gateway.bounds import Cost
from gateway.demand.inputs import (
    Given,
    Variable,
    Variables,
    costs_something,
    read_defaults,
    read_value,
    rows,
)
from gateway.demand.weights import CEILING, ListSize, Weights
from gateway.operation.tree import (
    INTROSPECTION_FIELDS,
    Field,
    InlineFragment,
    Operation,
    OperationKind,
    SelectionSet,
)

INTROSPECTION_COST = 1
"""The gateway answers it from memory; how much of it may be asked for is a matter of limits."""

Conditions: TypeAlias = tuple[tuple[Variable, bool], ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A slicing argument of a field that is selected."""

    name: str
    written: bool
    value: object
    """As read by `read_value`; None where it is not written."""
    default: int | None
    """Of the schema, where the argument is left out."""

    def given(self, variables: Variables) -> object:
        return self.value.value(variables) if isinstance(self.value, Variable) else self.value


@dataclass(frozen=True, slots=True)
class Size:
    """The length of a list as one @listSize has it."""

    coordinate: str
    """`Patient.conditions`"""
    slices: tuple[Slice, ...]
    otherwise: int
    """Where no argument tells."""

    @property
    def varies(self) -> bool:
        return any(isinstance(each.value, Variable) for each in self.slices)

    def rows(self, variables: Variables) -> int:
        most = -1
        for each in self.slices:
            if not each.written:
                told = each.default
            else:
                told = rows(each.given(variables))
                if told is None:
                    told = max(each.default or 0, self.otherwise)
            if told is not None and told > most:
                most = told
        return most if most >= 0 else self.otherwise

    def given(self, variables: Variables) -> int:
        """How many of the arguments say something."""
        return sum(
            each.default is not None or each.given(variables) is not None for each in self.slices
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    fixed: int
    parts: tuple[Part, ...] = ()
    """What depends on variables."""

    def cost(self, variables: Variables) -> int:
        # Plain loops: this runs for every request, and generators would double its cost.
        total = self.fixed
        for part in self.parts:
            total += part.cost(variables)
        return min(CEILING, total)


@dataclass(frozen=True, slots=True)
class Part:
    each: Estimate
    """Of one row."""
    factor: int = 1
    sizes: tuple[Size, ...] = ()
    """The greatest counts."""
    given: tuple[Given, ...] = ()
    conditions: Conditions = ()

    def cost(self, variables: Variables) -> int:
        for variable, include in self.conditions:
            # What is no Boolean will be refused; until then the field counts.
            if variable.value(variables) is not include and _is_boolean(variable, variables):
                return 0
        times = 0 if self.sizes else 1
        for size in self.sizes:
            count = size.rows(variables)
            times = max(times, count)
        total = self.factor * times * self.each.cost(variables)
        for argument in self.given:
            total += argument.cost(variables)
        return min(CEILING, total)


@dataclass(frozen=True, slots=True)
class Compiled:
    estimate: Estimate
    base: Estimate
    """What of it the fields do not cost, whatever they bring."""
    sliced: tuple[Size, ...]
    """Lists of which one slicing argument has to be given, where that is not certain yet."""


def compile_estimate(operation: Operation, weights: Weights, cost: Cost) -> Compiled:
    compiler = _Compiler(operation, weights, cost)
    selected = compiler.selections(operation.selections, {})
    base = compiler.base(operation, cost)
    estimate = Estimate(min(CEILING, base.fixed + selected.fixed), base.parts + selected.parts)
    return Compiled(estimate, base, tuple(dict.fromkeys(compiler.sliced)))


class _Compiler:
    def __init__(self, operation: Operation, weights: Weights, cost: Cost) -> None:
        self._weights = weights
        self._list_size = cost.list_size
        self._defaults = read_defaults(operation.variables)
        self.sliced: list[Size] = []

    def base(self, operation: Operation, cost: Cost) -> Estimate:
        fixed = cost.mutation if operation.kind is OperationKind.MUTATION else 0
        parts: list[Part] = []
        for conditions in self._deferred(operation.selections, ()):
            if conditions:
                parts.append(Part(Estimate(cost.deferred), conditions=conditions))
            else:
                fixed += cost.deferred
        return Estimate(min(CEILING, fixed), tuple(parts))

    def _deferred(self, selections: SelectionSet, around: Conditions) -> Iterator[Conditions]:
        """On what each deferred fragment depends; one in a list is fetched for all rows at once."""
        for selection in selections:
            conditions = (*around, *self._conditions(selection))
            if isinstance(selection, InlineFragment) and (defer := selection.defer):
                given = [self._variable(defer.variable)] if defer.variable else []
                yield (*conditions, *((variable, True) for variable in given))
            yield from self._deferred(selection.selections, conditions)

    def selections(
        self, selections: SelectionSet, sized: Mapping[str, tuple[Size, ...]]
    ) -> Estimate:
        """`sized` are the lists whose lengths are told by the field around them."""
        fixed = 0
        parts: list[Part] = []
        for selection in selections:
            if isinstance(selection, InlineFragment):
                part = Part(self.selections(selection.selections, sized))
            else:
                part = self._field(selection, sized)
            part = _under(part, self._conditions(selection))
            if part.conditions or part.given or part.sizes or part.each.parts:
                parts.append(part)
            else:
                fixed += part.factor * part.each.fixed
        return Estimate(min(CEILING, fixed), tuple(parts))

    def _field(self, field: Field, sized: Mapping[str, tuple[Size, ...]]) -> Part:
        if field.name == "__typename":
            return Part(Estimate(0))
        if field.name in INTROSPECTION_FIELDS:
            return Part(Estimate(INTROSPECTION_COST))
        definition = field_definition(self._weights, field)
        rules = self._weights.list_sizes(field.parent_type, field.name)
        sizes = {rule: self._size(rule, field, definition) for rule in rules}
        below = self.selections(field.selections, _sized_below(sizes))
        weight = self._weights.of_field(
            field.parent_type, field.name, get_named_type(definition.type)
        )
        each = Estimate(min(CEILING, weight + below.fixed), below.parts)
        known = sized.get(field.name) or tuple(sizes.values())
        factor, told = self._times(definition.type, known)
        given = given_arguments(field, definition, self._weights, self._defaults)
        return Part(each, factor, told, given)

    def _times(
        self, type_: GraphQLOutputType, known: tuple[Size, ...]
    ) -> tuple[int, tuple[Size, ...]]:
        """How often a value counts: a number, and what is worked out for each request."""
        levels = _list_levels(type_)
        if levels == 0:
            return 1, ()
        deeper = min(CEILING, self._list_size ** min(levels - 1, 15))
        if not known:
            return min(CEILING, deeper * self._list_size), ()
        if any(size.varies for size in known):
            return deeper, known
        return min(CEILING, deeper * max(size.rows({}) for size in known)), ()

    def _size(self, rule: ListSize, field: Field, definition: GraphQLField) -> Size:
        written = {each.name: each.value for each in field.arguments}
        slices = tuple(
            Slice(
                name,
                name in written,
                read_value(written[name], self._defaults) if name in written else None,
                _default(definition.args.get(name)),
            )
            for name in rule.slicing
        )
        otherwise = self._list_size if rule.assumed is None else rule.assumed
        size = Size(f"{field.parent_type}.{field.name}", slices, otherwise)
        if slices and rule.requires_one and (size.varies or size.given({}) != 1):
            self.sliced.append(size)
        return size

    def _conditions(self, selection: Field | InlineFragment) -> Conditions:
        return tuple((self._variable(each.variable), each.include) for each in selection.conditions)

    def _variable(self, name: str) -> Variable:
        return Variable(name, self._defaults.get(name))


def field_definition(weights: Weights, field: Field) -> GraphQLField:
    parent = weights.schema.type_map[field.parent_type]
    assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType), "unions have no fields"
    definition: GraphQLField = parent.fields[field.name]
    return definition


def _default(argument: GraphQLArgument | None) -> int | None:
    given = argument.ast_node.default_value if argument and argument.ast_node else None
    return rows(value_from_ast_untyped(given)) if given is not None else None


def given_arguments(
    field: Field, definition: GraphQLField, weights: Weights, defaults: Variables
) -> tuple[Given, ...]:
    """Those of a field that cost something; they are paid once, however many rows there are."""
    given = []
    for written in field.arguments:
        argument = definition.args[written.name]
        own = weights.of_argument(field.parent_type, field.name, written.name)
        if costs_something(argument, own, weights):
            given.append(Given(argument, own, read_value(written.value, defaults), weights))
    return tuple(given)


def _sized_below(sizes: Mapping[ListSize, Size]) -> dict[str, tuple[Size, ...]]:
    below: dict[str, tuple[Size, ...]] = {}
    for rule, size in sizes.items():
        for name in rule.sized:
            below[name] = (*below.get(name, ()), size)
    return below


def _under(part: Part, conditions: Conditions) -> Part:
    if not conditions:
        return part
    return Part(part.each, part.factor, part.sizes, part.given, conditions)


def _is_boolean(variable: Variable, variables: Variables) -> bool:
    return isinstance(variable.value(variables), bool)


def _list_levels(type_: GraphQLOutputType) -> int:
    levels = 0
    while is_non_null_type(type_) or is_list_type(type_):
        levels += is_list_type(type_)
        type_ = type_.of_type
    return levels
