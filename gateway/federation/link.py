"""What a schema links: `@link` applications, imports, renames and prefixes.

https://specs.apollo.dev/link/v1.0. A directive of a linked specification is known in the schema by
the name it was imported under, by the specification's own name when both are the same, or by
`<specification>__<directive>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from graphql import (
    DirectiveNode,
    DocumentNode,
    ListValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    ValueNode,
)

FEDERATION = "https://specs.apollo.dev/federation"
LINK = "https://specs.apollo.dev/link"
CORE = "https://specs.apollo.dev/core"
JOIN = "https://specs.apollo.dev/join"

_VERSION = re.compile(r"v(\d+)\.(\d+)")
_IMPORTED = re.compile(r"@?[_A-Za-z][_0-9A-Za-z]*")
_ALIAS = re.compile(r"[_A-Za-z][-._0-9A-Za-z]*")


def read_links(document: DocumentNode) -> Links:
    """The links of a schema document, with what is wrong with them in `problems`.

    A document that links neither the link specification itself nor federation is a Federation 1
    (or plain) schema; whatever else it calls `@link` is its own affair.
    """
    applications = list(_schema_directives(document))
    name, url_argument, bootstrap = _link_directive(applications)
    if name is None:
        return Links(())
    reader = _LinksBuilder(problems=list(bootstrap))
    for node in applications:
        if node.name.value == name:
            reader.add(node, url_argument)
    return Links(tuple(reader.links), tuple(reader.problems))


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class FeatureUrl:
    """`https://specs.apollo.dev/federation/v2.5` is identity, name `federation` and version 2.5."""

    identity: str
    name: str
    version: Version

    def __str__(self) -> str:
        return f"{self.identity}/{self.version}"


@dataclass(frozen=True, slots=True)
class Link:
    """One linked specification. `imports` maps its elements (`@key`, `FieldSet`) to local names."""

    url: FeatureUrl
    name: str
    imports: Mapping[str, str]
    purpose: str | None
    node: DirectiveNode

    def directive_name(self, element: str) -> str:
        """How this schema calls the specification's directive `element` (both without `@`)."""
        if f"@{element}" in self.imports:
            return self.imports[f"@{element}"].removeprefix("@")
        return self.name if element == self.url.name else f"{self.name}__{element}"

    def type_name(self, element: str) -> str:
        return self.imports.get(element, f"{self.name}__{element}")


@dataclass(frozen=True, slots=True)
class LinkProblem:
    code: str
    message: str
    node: DirectiveNode


@dataclass(frozen=True, slots=True)
class Links:
    links: tuple[Link, ...]
    problems: tuple[LinkProblem, ...] = ()

    def of(self, identity: str) -> Link | None:
        return next((link for link in self.links if link.url.identity == identity), None)

    @property
    def federation(self) -> Link | None:
        return self.of(FEDERATION)

    def names_of(self, element: str, *identities: str) -> frozenset[str]:
        """What the schema calls a directive of any of these specifications.

        Its plain name counts even where nothing links it.
        """
        linked = [link for each in identities if (link := self.of(each)) is not None]
        return frozenset({element, *(link.directive_name(element) for link in linked)})

    def source_of_directive(self, local_name: str) -> tuple[Link, str | None] | None:
        """The link a directive comes from, and its name there.

        The name is None when the prefixed form is used although the element was imported under
        another name: the specification then has no element of that name in this schema.
        """
        for link in self.links:
            for element, imported_as in link.imports.items():
                if element.startswith("@") and imported_as == f"@{local_name}":
                    return link, element[1:]
        for link in self.links:
            unprefixed = _unprefixed(local_name, link)
            if unprefixed is not None:
                return link, None if f"@{unprefixed}" in link.imports else unprefixed
        return None

    def source_of_type(self, local_name: str) -> Link | None:
        for link in self.links:
            for element, imported_as in link.imports.items():
                if not element.startswith("@") and imported_as == local_name:
                    return link
        return next(
            (link for link in self.links if local_name.startswith(f"{link.name}__")),
            None,
        )


def parse_feature_url(text: str) -> FeatureUrl:
    """Raise ValueError, saying what is missing, when `text` is not the URL of a specification."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a URL") from None
    if not parts.scheme or not parts.netloc:
        raise ValueError(f"{text!r} is not a URL")
    *path, version_text = parts.path.rstrip("/").split("/")
    if not version_text:
        raise ValueError(f"Missing path in feature url {text!r}")
    version = _VERSION.fullmatch(version_text)
    if version is None:
        raise ValueError(f"Expected a version string (of the form v1.2), got {version_text!r}")
    if not path or not path[-1]:
        raise ValueError(f"Missing feature name component in feature url {text!r}")
    identity = f"{parts.scheme}://{parts.netloc}{'/'.join(path)}"
    return FeatureUrl(identity, path[-1], Version(int(version[1]), int(version[2])))


def _schema_directives(document: DocumentNode) -> Iterator[DirectiveNode]:
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            yield from definition.directives or ()


def _link_directive(
    applications: list[DirectiveNode],
) -> tuple[str | None, str, tuple[LinkProblem, ...]]:
    """The name of the directive that links, its URL argument, and what is wrong with the link."""
    for node in applications:
        for argument, identity in (("url", LINK), ("feature", CORE)):
            url = _parsed(_string(node, argument))
            default_name = identity.rpartition("/")[2]
            local_name = _string(node, "as") or default_name
            if url and url.identity == identity and node.name.value == local_name:
                return local_name, argument, _unknown_version(url, node)
    for node in applications:
        if node.name.value == "link" and (_string(node, "url") or "").startswith(FEDERATION):
            return "link", "url", ()
    return None, "url", ()


def _unknown_version(url: FeatureUrl, node: DirectiveNode) -> tuple[LinkProblem, ...]:
    if url.version in {Version(1, 0), Version(0, 1), Version(0, 2)}:
        return ()
    message = f"Schema uses unknown version {url.version} of the {url.name} spec"
    return (LinkProblem("UNKNOWN_LINK_VERSION", message, node),)


@dataclass(slots=True)
class _LinksBuilder:
    links: list[Link] = field(default_factory=list)
    problems: list[LinkProblem] = field(default_factory=list)

    def add(self, node: DirectiveNode, url_argument: str) -> None:
        text = _string(node, url_argument)
        if text is None:
            self._refuse(node, "INVALID_LINK_DIRECTIVE_USAGE", "a @link needs a url, as a string")
            return
        try:
            url = parse_feature_url(text)
        except ValueError as error:
            self._refuse(node, "INVALID_LINK_IDENTIFIER", str(error))
            return
        name = _string(node, "as") or url.name
        complaint = self._complaint(url, name)
        if complaint:
            self._refuse(node, "INVALID_LINK_DIRECTIVE_USAGE", complaint)
            return
        imports = self._imports(node)
        self.links.append(Link(url, name, imports, _enum(node, "for"), node))

    def _complaint(self, url: FeatureUrl, name: str) -> str | None:
        if any(link.url.identity == url.identity for link in self.links):
            return f'Cannot link feature "{url.identity}": it is already linked in this schema'
        if any(link.name == name for link in self.links):
            return f'Cannot link feature "{url.identity}" as "{name}": that name is taken'
        if not _ALIAS.fullmatch(name) or "__" in name or name.endswith("_"):
            return f'Cannot link feature "{url.identity}" as "{name}": no valid name for a feature'
        return None

    def _imports(self, node: DirectiveNode) -> dict[str, str]:
        value = _argument(node, "import")
        if value is None:
            return {}
        entries = value.values if isinstance(value, ListValueNode) else (value,)
        imports: dict[str, str] = {}
        for entry in entries:
            read = _import(entry)
            if isinstance(read, str):
                self._refuse(node, "INVALID_LINK_DIRECTIVE_USAGE", read)
            else:
                imports[read[0]] = read[1]
        return imports

    def _refuse(self, node: DirectiveNode, code: str, message: str) -> None:
        self.problems.append(LinkProblem(code, message, node))


def _import(entry: ValueNode) -> tuple[str, str] | str:
    """An element and its local name, or what is wrong with the import."""
    if isinstance(entry, StringValueNode):
        name, local_name = entry.value, entry.value
    elif isinstance(entry, ObjectValueNode):
        fields = {
            item.name.value: item.value.value
            for item in entry.fields
            if isinstance(item.value, StringValueNode)
        }
        unknown = {item.name.value for item in entry.fields} - {"name", "as"}
        if unknown or "name" not in fields or len(fields) != len(entry.fields):
            return 'an import is a string or { name: "<element>", as: "<alias>" }'
        name, local_name = fields["name"], fields.get("as", fields["name"])
    else:
        return 'an import is a string or { name: "<element>", as: "<alias>" }'
    if not _IMPORTED.fullmatch(name) or not _IMPORTED.fullmatch(local_name):
        return f'"{name}" is imported under a name that is no GraphQL name'
    if name.startswith("@") != local_name.startswith("@"):
        return f'"{name}" and its alias "{local_name}" must both start with "@", or neither'
    return name, local_name


def _unprefixed(local_name: str, link: Link) -> str | None:
    if local_name == link.name:
        return link.url.name
    prefix = f"{link.name}__"
    return local_name.removeprefix(prefix) if local_name.startswith(prefix) else None


def _argument(node: DirectiveNode, name: str) -> ValueNode | None:
    return next((arg.value for arg in node.arguments or () if arg.name.value == name), None)


def _string(node: DirectiveNode, name: str) -> str | None:
    value = _argument(node, name)
    return value.value if isinstance(value, StringValueNode) else None


def _enum(node: DirectiveNode, name: str) -> str | None:
    value = _argument(node, name)
    return getattr(value, "value", None) if value is not None else None


def _parsed(text: str | None) -> FeatureUrl | None:
    try:
        return parse_feature_url(text) if text is not None else None
    except ValueError:
        return None
