"""Supergraphs written small: the machinery that every one begins with is added here."""

PRELUDE = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)
{{ query: Query{others} }}
scalar join__FieldSet
enum join__Graph {{
{graphs}
}}
"""


def supergraph_sdl(subgraphs: list[str], types: str) -> str:
    """Each subgraph stands in the enum in capitals."""
    others = "".join(
        f" {name.lower()}: {name}"
        for name in ("Mutation", "Subscription")
        if f"type {name} " in types
    )
    graphs = "\n".join(
        f'  {name.upper()} @join__graph(name: "{name}", url: "http://{name}")' for name in subgraphs
    )
    return PRELUDE.format(others=others, graphs=graphs) + types
