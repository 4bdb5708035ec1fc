"""Composing fifty subgraphs with two thousand types, against parsing the same SDL.

    python -m bench.composing

In a process of its own, so that the peak of its memory is that of composing.
"""

from __future__ import annotations

import resource
import sys

from graphql import parse
from graphql.language import TypeDefinitionNode

from bench.large_graph import large_graph
from bench.measuring import cpu_seconds, table
from gateway.composition import compose

REPEATS = 3


def main() -> None:
    subgraphs = large_graph()
    characters = sum(len(subgraph.sdl) for subgraph in subgraphs)
    documents = [parse(subgraph.sdl) for subgraph in subgraphs]
    types = {
        definition.name.value
        for document in documents
        for definition in document.definitions
        if isinstance(definition, TypeDefinitionNode)
    }
    del documents
    parsing = cpu_seconds(lambda: [parse(each.sdl) for each in subgraphs], REPEATS)
    composing = cpu_seconds(lambda: compose(subgraphs), REPEATS)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        [
            "graph",
            f"{len(subgraphs)} subgraphs, {len(types):,} types, {characters:,} characters",
            "",
        ],
        ["parsing it with graphql-core", f"{parsing:.2f} s of CPU", ""],
        ["composing it", f"{composing:.2f} s of CPU", ""],
        ["ratio", f"{composing / parsing:.0f}", "below 200"],
        ["peak memory of the process", f"{megabytes:.0f} MB", "below 1,000 MB"],
    ]
    sys.stdout.write(table(["composing", "measured", "to be"], rows))


if __name__ == "__main__":
    main()
