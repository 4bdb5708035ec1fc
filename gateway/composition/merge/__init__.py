"""Merging: what the supergraph says, given what the subgraphs say.

Merging is total: it makes something of any subgraphs, and the rules (`composition.rules`) judge,
from the same subgraphs, whether it may stand.
"""
