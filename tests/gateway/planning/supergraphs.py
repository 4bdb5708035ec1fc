"""Supergraphs written small: the machinery that every one begins with is added here."""

PRELUDE = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.4", for: EXECUTION)
{{ query: Query{mutation} }}
scalar join__FieldSet
enum join__Graph {{
{graphs}
}}
"""


def supergraph_sdl(subgraphs: list[str], types: str) -> str:
    """Each subgraph stands in the enum in capitals."""
    mutation = " mutation: Mutation" if "type Mutation" in types else ""
    graphs = "\n".join(
        f'  {name.upper()} @join__graph(name: "{name}", url: "http://{name}")' for name in subgraphs
    )
    return PRELUDE.format(mutation=mutation, graphs=graphs) + types
