"""Which directive applications travel into the supergraph, and under which name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.composition.merge.custom import CustomDirectives, compose_custom_directives
from gateway.composition.schema import Applied, Element, elements
from gateway.composition.subgraphs import Member, Subgraphs
from gateway.composition.values import Value
from gateway.federation import directives as spec
from gateway.federation.directives import Specification, specification
from gateway.federation.link import Version

ACCESS_DIRECTIVES = ("authenticated", "requiresScopes", "policy")

# In this order they are linked. Directive, specification, version, purpose.
FEATURES: tuple[tuple[tuple[str, ...], str, Version, str | None], ...] = (
    (("tag",), spec.TAG, Version(0, 3), None),
    (("inaccessible",), spec.INACCESSIBLE, Version(0, 2), "SECURITY"),
    (("authenticated",), spec.AUTHENTICATED, Version(0, 1), "SECURITY"),
    (("requiresScopes",), spec.REQUIRES_SCOPES, Version(0, 1), "SECURITY"),
    (("policy",), spec.POLICY, Version(0, 1), "SECURITY"),
    (("context",), spec.CONTEXT, Version(0, 1), "SECURITY"),
    (("cost", "listSize"), spec.COST, Version(0, 1), None),
)

# https://spec.graphql.org/draft/#sec-Type-System.Directives.Built-in-Directives
_BUILT_IN = frozenset({"deprecated", "specifiedBy", "oneOf"})

_REPEATABLE = frozenset({"tag", "context"})
_DEFAULTS: Mapping[str, Mapping[str, Value]] = {
    "listSize": {"requireOneSlicingArgument": True},
    "deprecated": {"reason": "No longer supported"},
}


@dataclass(frozen=True, slots=True)
class Composable:
    """`names` maps federation directives that are used anywhere to their supergraph names."""

    names: Mapping[str, str]
    custom: CustomDirectives

    def key(self, subgraph: str, directive: Applied) -> str | None:
        """What applications are merged by: equal keys are one directive. None: stays behind."""
        if directive.means in self.names:
            return directive.means
        if directive.name in _BUILT_IN and directive.means is None:
            return directive.name
        is_custom = directive.name in self.custom.names.get(subgraph, ())
        return directive.name if is_custom else None

    def name(self, key: str) -> str:
        return self.names.get(key, key)

    def is_repeatable(self, key: str) -> bool:
        definition = self.custom.definitions.get(key)
        return key in _REPEATABLE or (definition is not None and definition.repeatable)

    def defaults(self, key: str) -> Mapping[str, Value]:
        definition = self.custom.definitions.get(key)
        if definition is None or key in self.names:
            return _DEFAULTS.get(key, {})
        arguments = definition.arguments.values()
        return {argument.name: argument.default for argument in arguments if argument.has_default}


def find_composable(subgraphs: Subgraphs) -> Composable:
    names = {}
    for means, applications in directive_names(subgraphs).items():
        names[means] = next(iter(applications.values()))
    return Composable(names, compose_custom_directives(subgraphs))


def directive_names(subgraphs: Subgraphs) -> dict[str, dict[str, str]]:
    """For each federation directive that composes: what each subgraph using it calls it."""
    composed = {means for directives, _, _, _ in FEATURES for means in directives}
    found: dict[str, dict[str, str]] = {}
    for member in subgraphs.members:
        for directive in _applications(member):
            if directive.means in composed:
                found.setdefault(directive.means, {}).setdefault(member.name, directive.name)
    return found


def feature_specification(identity: str, version: Version) -> Specification:
    known = specification(identity, version)
    assert known is not None, "only known features are composed"
    return known


def _applications(member: Member) -> Iterator[Applied]:
    standing: Iterable[Element] = (member.subgraph, *elements(member.subgraph))
    for element in standing:
        yield from element.directives
