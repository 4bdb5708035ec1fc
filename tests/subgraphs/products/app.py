"""The `products` subgraph as an application that a developer may ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import SubgraphApp, create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.products.schema import SCHEMA
from tests.subgraphs.undirected import Undirected

KEY = b"k" * 32


class NoFacts(Undirected):
    async def persons(self, _: Sequence[Link]) -> Mapping[Link, Person]:
        raise AssertionError("products belong to nobody")


def products_app() -> SubgraphApp:
    subgraph = Subgraph("products", IdSeal(KEY), Crosswalk(KEY), NoFacts(), None)
    return create_subgraph_app(subgraph, SCHEMA, keys={"1": KEY}, dev=True)
