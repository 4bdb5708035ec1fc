"""The directives of federation and of the specifications a supergraph speaks, by version.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives and
https://specs.apollo.dev. Definitions are SDL with the specification's own names; whoever puts one
into a schema renames it and its types.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from graphql import DirectiveDefinitionNode, parse

from gateway.federation.link import CORE, FEDERATION, LINK, Version

TAG = "https://specs.apollo.dev/tag"
INACCESSIBLE = "https://specs.apollo.dev/inaccessible"
AUTHENTICATED = "https://specs.apollo.dev/authenticated"
REQUIRES_SCOPES = "https://specs.apollo.dev/requiresScopes"
POLICY = "https://specs.apollo.dev/policy"
CONTEXT = "https://specs.apollo.dev/context"
COST = "https://specs.apollo.dev/cost"

LATEST = Version(2, 11)

_AUTH_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_TAG_V1_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | UNION"
_TAG_V2_LOCATIONS = (
    f"{_TAG_V1_LOCATIONS} | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE"
    " | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)

KEY = (
    "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"
)
_REQUIRES = "directive @requires(fields: FieldSet!) on FIELD_DEFINITION"
_PROVIDES = "directive @provides(fields: FieldSet!) on FIELD_DEFINITION"
_EXTERNAL = "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"
_EXTENDS = "directive @extends on OBJECT | INTERFACE"
_TAG_V1 = f"directive @tag(name: String!) repeatable on {_TAG_V1_LOCATIONS}"
_TAG_V2 = f"directive @tag(name: String!) repeatable on {_TAG_V2_LOCATIONS}"
_TAG_V3 = f"directive @tag(name: String!) repeatable on {_TAG_V2_LOCATIONS} | SCHEMA"
_INACCESSIBLE_V1 = f"directive @inaccessible on {_TAG_V1_LOCATIONS}"
_INACCESSIBLE_V2 = f"directive @inaccessible on {_TAG_V2_LOCATIONS}"
_AUTHENTICATED = f"directive @authenticated on {_AUTH_LOCATIONS}"
_SCOPES = f"directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH_LOCATIONS}"
_POLICY = f"directive @policy(policies: [[Policy!]!]!) on {_AUTH_LOCATIONS}"
_CONTEXT = "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"
_FROM_CONTEXT = "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"
_COST = (
    "directive @cost(weight: Int!) on"
    " ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR"
)
_LIST_SIZE = (
    "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],"
    " requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION"
)

_FEDERATION: tuple[tuple[Version, Version, str], ...] = (
    # From which version, up to and without which, and the definition.
    (Version(1, 0), Version(9, 0), KEY),
    (Version(1, 0), Version(9, 0), _REQUIRES),
    (Version(1, 0), Version(9, 0), _PROVIDES),
    (Version(1, 0), Version(9, 0), _EXTERNAL),
    (Version(1, 0), Version(2, 3), _TAG_V2),
    (Version(2, 3), Version(9, 0), _TAG_V3),
    (Version(1, 0), Version(9, 0), _EXTENDS),
    (Version(2, 0), Version(2, 2), "directive @shareable on OBJECT | FIELD_DEFINITION"),
    (Version(2, 2), Version(9, 0), "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
    (Version(2, 0), Version(9, 0), _INACCESSIBLE_V2),
    (Version(2, 0), Version(2, 7), "directive @override(from: String!) on FIELD_DEFINITION"),
    (
        Version(2, 7),
        Version(9, 0),
        "directive @override(from: String!, label: String) on FIELD_DEFINITION",
    ),
    (
        Version(2, 1),
        Version(9, 0),
        "directive @composeDirective(name: String) repeatable on SCHEMA",
    ),
    (Version(2, 3), Version(9, 0), "directive @interfaceObject on OBJECT"),
    (Version(2, 5), Version(9, 0), _AUTHENTICATED),
    (Version(2, 5), Version(9, 0), _SCOPES),
    (Version(2, 6), Version(9, 0), _POLICY),
    (Version(2, 8), Version(9, 0), _CONTEXT),
    (Version(2, 8), Version(9, 0), _FROM_CONTEXT),
    (Version(2, 9), Version(9, 0), _COST),
    (Version(2, 9), Version(9, 0), _LIST_SIZE),
)

_OTHERS: dict[str, dict[Version, tuple[str, ...]]] = {
    TAG: {Version(0, 1): (_TAG_V1,), Version(0, 2): (_TAG_V2,), Version(0, 3): (_TAG_V3,)},
    INACCESSIBLE: {Version(0, 1): (_INACCESSIBLE_V1,), Version(0, 2): (_INACCESSIBLE_V2,)},
    AUTHENTICATED: {Version(0, 1): (_AUTHENTICATED,)},
    REQUIRES_SCOPES: {Version(0, 1): (_SCOPES,)},
    POLICY: {Version(0, 1): (_POLICY,)},
    CONTEXT: {Version(0, 1): (_CONTEXT, _FROM_CONTEXT)},
    COST: {Version(0, 1): (_COST, _LIST_SIZE)},
}

_SCALARS = {
    "FieldSet": Version(1, 0),
    "Scope": Version(2, 5),
    "Policy": Version(2, 6),
    "ContextFieldValue": Version(2, 8),
}
_OTHER_SCALARS = {
    REQUIRES_SCOPES: ("Scope",),
    POLICY: ("Policy",),
    CONTEXT: ("ContextFieldValue",),
}

LINK_SDL = """
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import])
  repeatable on SCHEMA
scalar link__Import
enum link__Purpose {
  "`SECURITY` features provide metadata necessary to securely resolve fields."
  SECURITY
  "`EXECUTION` features provide metadata necessary for operation execution."
  EXECUTION
}
"""

JOIN_SDL = """
directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments)
  repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String,
  contextArguments: [join__ContextArgument!]
) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!)
  repeatable on OBJECT | INTERFACE
directive @join__type(
  graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false
) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}
scalar join__DirectiveArguments
scalar join__FieldSet
scalar join__FieldValue
"""

JOIN_URL = "https://specs.apollo.dev/join/v0.5"
LINK_URL = "https://specs.apollo.dev/link/v1.0"


@dataclass(frozen=True, slots=True)
class Specification:
    """What one version of a specification defines, under its own names."""

    directives: dict[str, DirectiveDefinitionNode]
    scalars: tuple[str, ...]

    def elements(self) -> frozenset[str]:
        """The names that can be imported: directives with their `@`, types without."""
        return frozenset({f"@{name}" for name in self.directives} | set(self.scalars))


@cache
def specification(identity: str, version: Version) -> Specification | None:
    """None for a specification, or a version of one, that is not known here."""
    if identity in {LINK, CORE}:
        return Specification({}, ())
    if identity == FEDERATION:
        return _federation(version) if Version(2, 0) <= version <= LATEST else None
    sdl = _OTHERS.get(identity, {}).get(version)
    return Specification(_parse(sdl), _OTHER_SCALARS.get(identity, ())) if sdl else None


@cache
def federation_1() -> Specification:
    """What a subgraph may use that links nothing; its field sets are of type `_FieldSet`."""
    return _federation(Version(1, 0))


FEDERATION_DIRECTIVES = frozenset(
    definition.split("(")[0].split()[1].removeprefix("@") for _, _, definition in _FEDERATION
)


def _federation(version: Version) -> Specification:
    definitions = tuple(sdl for since, until, sdl in _FEDERATION if since <= version < until)
    scalars = tuple(name for name, since in _SCALARS.items() if since <= version)
    return Specification(_parse(definitions), scalars)


def _parse(definitions: tuple[str, ...]) -> dict[str, DirectiveDefinitionNode]:
    nodes = parse("\n".join(definitions), no_location=True).definitions
    return {node.name.value: node for node in nodes if isinstance(node, DirectiveDefinitionNode)}
