"""How much each agreement tells, as data: `data/weights.json`, or a file of your own.

A weight is log₂(m / u): how much more often two records of one person agree so (m) than two
records of different people (u). For a name that both have, u is how common that name is.
https://doi.org/10.1080/01621459.1969.10501049 (Fellegi and Sunter)
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from subgraphs.connectors.config import ConfigError
from subgraphs.identity.index.comparison import SAME, Agreement
from subgraphs.identity.index.frequencies import Frequencies, frequencies


class Level(msgspec.Struct, frozen=True):
    """`m` and `u` as shares of the pairs in which both records tell the field."""

    m: float
    u: float


class Weights(msgspec.Struct, frozen=True):
    origin: str
    """Where the numbers come from."""
    link: float
    """Points from which on two records are linked, unless a rule forbids it."""
    review: float
    """Points from which on a human is asked."""
    margin: float
    """How much better one of two contradicting candidates must be for either to be linked."""
    rules: tuple[str, ...]
    """The rules in force, of those `matching.CEILINGS` names."""
    fields: dict[str, dict[str, Level]]
    sure: float = math.inf
    """Points from which on a rule against strangers gives way, where nothing else speaks for it."""

    def points(self, agreement: Agreement, known: Frequencies) -> float:
        level = self.fields[agreement.field][agreement.level]
        u = level.u
        if agreement.value is not None and agreement.level == SAME:
            of = known.of_given if agreement.field == "given" else known.of_family
            u = of(agreement.value)
        return math.log2(level.m / u)


class WeightsError(ConfigError):
    """The file of weights cannot be used; the message says why."""


@cache
def standard_weights() -> Weights:
    text = files(__package__).joinpath("data", "weights.json").read_bytes()
    return msgspec.json.decode(text, type=Weights)


def load_weights(path: Path | None) -> Weights:
    """The weights of a file that has every field and level the standard ones have."""
    standard = standard_weights()
    if path is None:
        return standard
    try:
        weights = msgspec.json.decode(path.read_bytes(), type=Weights)
    except (OSError, msgspec.MsgspecError) as error:
        raise WeightsError(f"{path} holds no weights: {error}") from None
    absent = [
        f"{field}.{level}"
        for field, levels in standard.fields.items()
        for level in levels
        if level not in weights.fields.get(field, {})
    ]
    if absent:
        raise WeightsError(f"{path} has no weight for {', '.join(absent)}")
    known = frequencies()
    for field, levels in weights.fields.items():
        for name in levels:
            try:
                weights.points(Agreement(field, name), known)
            except (ValueError, ZeroDivisionError):
                raise WeightsError(f"{path}: {field}.{name} needs m and u above 0") from None
    return weights
