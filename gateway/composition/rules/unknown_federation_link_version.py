from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.problems import Problem, problem
from gateway.composition.read import ParsedSubgraph
from gateway.federation.directives import LATEST, specification


def unknown_federation_link_version(parsed: ParsedSubgraph) -> Iterator[Problem]:
    link = parsed.links.federation
    if link and specification(link.url.identity, link.url.version) is None:
        message = f"Federation {link.url.version} is not known here: v2.0 to {LATEST} are"
        yield problem("UNKNOWN_FEDERATION_LINK_VERSION", message, parsed.name, link.node)
