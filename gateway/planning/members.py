"""What a subgraph knows of an abstract type's members, and how it would understand a fragment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from gateway.planning.query_graph import Node, QueryGraph

Members: TypeAlias = frozenset[str]


def members_at(node: Node, graph: QueryGraph) -> Members:
    """Values behind an interface object can be any that the interface has anywhere."""
    if node.is_interface_object:
        return graph.possible(node.type_name)
    return graph.members(node.type_name, node.subgraph)


def shared_members(nodes: Iterable[Node], graph: QueryGraph) -> Members | None:
    """The members of a union that every subgraph in question knows; None where none is a union.

    What one subgraph calls a member another may not, and an answer must not depend on which of
    them is asked.
    """
    nodes = tuple(nodes)
    if len({node.subgraph for node in nodes}) == 1:
        return None
    if not any(graph.is_union(node.type_name) for node in nodes):
        return None
    return frozenset.intersection(*(members_at(node, graph) for node in nodes))


def has_a_member_with(node: Node, name: str, graph: QueryGraph, labels: frozenset[str]) -> bool:
    """Whether the subgraph can resolve the field for some member, with nothing else needed."""
    return any(
        (move := graph.field_move(graph.narrow(node, member), name, labels)) and move.is_plain
        for member in members_at(node, graph)
    )


def must_expand(node: Node, condition: str, graph: QueryGraph) -> bool:
    """Whether the subgraph would not understand the condition as the supergraph means it."""
    if node.type_name == condition or not (node.is_abstract or node.is_interface_object):
        return False
    wanted = graph.possible(condition)
    if wanted == {condition}:
        return False
    here = members_at(node, graph)
    if node.is_interface_object:
        return not here <= wanted
    return here & wanted != here & graph.members(condition, node.subgraph)


def is_covered(node: Node, condition: str, graph: QueryGraph) -> bool:
    """Whether the condition holds for whatever the node's values are."""
    if node.type_name == condition:
        return True
    if node.is_abstract:
        return False
    wanted = graph.possible(condition)
    if node.is_interface_object:
        return wanted != {condition} and graph.possible(node.type_name) <= wanted
    return node.type_name in wanted
