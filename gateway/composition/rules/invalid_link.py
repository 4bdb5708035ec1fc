from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gateway.composition.problems import Problem, problem
from gateway.composition.read import ParsedSubgraph
from gateway.federation.directives import specification
from gateway.federation.link import CORE, LINK, Link


def invalid_link(parsed: ParsedSubgraph) -> Iterator[Problem]:
    """INVALID_LINK_IDENTIFIER, UNKNOWN_LINK_VERSION and INVALID_LINK_DIRECTIVE_USAGE.

    https://specs.apollo.dev/link/v1.0
    """
    for found in parsed.links.problems:
        yield problem(found.code, found.message, parsed.name, found.node)
    for link in parsed.links.links:
        yield from _unknown_imports(parsed.name, link)


def _unknown_imports(subgraph: str, link: Link) -> Iterator[Problem]:
    known = specification(link.url.identity, link.url.version)
    if known is None:
        return
    elements = known.elements()
    if link.url.identity in {LINK, CORE}:
        elements = frozenset({"@link", "Import", "Purpose"})
    for element in link.imports:
        if element not in elements:
            close = get_close_matches(element, sorted(elements), n=1)
            suggestion = f' Did you mean "{close[0]}"?' if close else ""
            message = f'Cannot import unknown element "{element}".{suggestion}'
            yield problem("INVALID_LINK_DIRECTIVE_USAGE", message, subgraph, link.node)
