"""`@composeDirective`: which of the subgraphs' own directives reach the supergraph.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#composedirective
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from gateway.composition.schema import Applied, DirectiveDefinition, applied
from gateway.composition.subgraphs import Member, Subgraphs
from gateway.federation.directives import specification
from gateway.federation.link import FEDERATION, Link


@dataclass(frozen=True, slots=True)
class Request:
    """One valid `@composeDirective`: `element` is the directive's name in its own feature."""

    subgraph: str
    name: str
    element: str
    link: Link
    directive: Applied


@dataclass(frozen=True, slots=True)
class Complaint:
    message: str
    subgraph: str | None = None
    directive: Applied | None = None


@dataclass(frozen=True, slots=True)
class CustomDirectives:
    """`names`: what each subgraph composes. `links`: with the (name, element) pairs they import."""

    names: Mapping[str, frozenset[str]]
    definitions: Mapping[str, DirectiveDefinition]
    links: tuple[tuple[Link, tuple[tuple[str, str], ...]], ...]
    complaints: tuple[Complaint, ...]


def compose_custom_directives(subgraphs: Subgraphs) -> CustomDirectives:
    builder = _CustomBuilder(subgraphs)
    for member in subgraphs.members:
        for directive in applied(member.subgraph, "composeDirective"):
            builder.request(member, directive)
    return builder.build()


@dataclass(slots=True)
class _CustomBuilder:
    subgraphs: Subgraphs
    requests: list[Request] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)

    def request(self, member: Member, directive: Applied) -> None:
        asked = directive.text("name")
        name = (asked or "").removeprefix("@")
        source = member.subgraph.links.source_of_directive(name)
        if not asked:
            message = "Argument to @composeDirective cannot be null or an empty string"
        elif not asked.startswith("@"):
            message = f'Argument to @composeDirective "{asked}" must have a leading "@"'
        elif name not in member.subgraph.definitions and not _is_known(source):
            message = f'Could not find a definition of "@{name}", the argument of @composeDirective'
        elif source is None:
            message = f'"@{name}" cannot be composed: it is not part of a linked feature'
        elif source[1] is None:
            message = f'"@{name}" cannot be composed: it is imported under a different name'
        elif _is_known(source):
            if source[1] in _COMPOSED_ANYWAY:
                return
            message = f'Composing the federation directive "@{name}" is not supported'
        elif name in self._automatic_names():
            message = f'"@{name}" cannot be composed: a directive composed anyway has that name'
        else:
            link, element = source
            assert element is not None
            self.requests.append(Request(member.name, name, element, link, directive))
            return
        self.complaints.append(Complaint(message, member.name, directive))

    def build(self) -> CustomDirectives:
        refused = set(self._refused_names())
        latest: dict[str, tuple[Link, list[str]]] = {}
        for identity in dict.fromkeys(request.link.url.identity for request in self.requests):
            found = self._latest(identity)
            if found is not None:
                latest[identity] = found
        composed = [
            request
            for request in self.requests
            if request.name not in refused and request.link.url.identity in latest
        ]
        definitions = {}
        imports: dict[str, dict[str, str]] = {}
        for request in composed:
            identity = request.link.url.identity
            imports.setdefault(identity, {})[request.name] = request.element
            if request.name not in definitions:
                definition = self._definition(request, latest[identity])
                if definition is not None:
                    definitions[request.name] = definition
        return CustomDirectives(
            names={
                subgraph: frozenset(request.name for request in of_one)
                for subgraph, of_one in groupby(composed, key=lambda request: request.subgraph)
            },
            definitions=definitions,
            links=tuple(
                (latest[identity][0], tuple(sorted(pairs.items())))
                for identity, pairs in sorted(imports.items())
            ),
            complaints=tuple(self.complaints),
        )

    def _automatic_names(self) -> set[str]:
        federations = [member.subgraph.links.federation for member in self.subgraphs.members]
        return {
            link.directive_name(element) if link else element
            for link in federations
            for element in ("tag", "inaccessible")
        }

    def _latest(self, identity: str) -> tuple[Link, list[str]] | None:
        """The newest link of those composed, and the subgraphs with that version, last first."""
        composed = [r.link for r in self.requests if r.link.url.identity == identity]
        if len({link.url.version.major for link in composed}) > 1:
            message = f'Feature "{identity}" is composed in more than one major version'
            self.complaints.append(Complaint(message))
            return None
        newest = max(composed, key=lambda link: link.url.version)
        having = [
            member.name
            for member in self.subgraphs.members
            if (link := member.subgraph.links.of(identity))
            and link.url.version == newest.url.version
        ]
        return newest, having[::-1]

    def _refused_names(self) -> Iterator[str]:
        for name in dict.fromkeys(request.name for request in self.requests):
            same = [request for request in self.requests if request.name == name]
            if len({request.element for request in same}) > 1:
                yield name
                message = f'"@{name}" does not refer to the same directive in every subgraph'
                self.complaints.append(Complaint(message))
            if len({request.link.url.identity for request in same}) > 1:
                yield name
                message = f'"@{name}" is not linked from the same feature in every subgraph'
                self.complaints.append(Complaint(message))
        for element in dict.fromkeys(request.element for request in self.requests):
            composed_as = {r.name for r in self.requests if r.element == element}
            if len(composed_as) > 1:
                yield from composed_as
                message = f'"@{element}" is composed under different names across subgraphs'
                self.complaints.append(Complaint(message))

    def _definition(
        self, request: Request, latest: tuple[Link, list[str]]
    ) -> DirectiveDefinition | None:
        link, having = latest
        for name in having:
            subgraph = self.subgraphs.by_name[name].subgraph
            own_link = subgraph.links.of(link.url.identity)
            local_name = own_link.directive_name(request.element) if own_link else request.name
            if local_name in subgraph.definitions:
                return subgraph.definitions[local_name]
        message = f'No subgraph that links "{link.url}" defines "@{request.name}"'
        self.complaints.append(Complaint(message))
        return None


_COMPOSED_ANYWAY = frozenset(
    {"tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context"}
)


def _is_known(source: tuple[Link, str | None] | None) -> bool:
    if source is None:
        return False
    url = source[0].url
    return url.identity == FEDERATION or specification(url.identity, url.version) is not None
