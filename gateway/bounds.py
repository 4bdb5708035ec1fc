"""How much a client may ask for: of one document, of one operation, and over time.

Plain values, which the settings hold for everyone and the client registry for one client.
`docs/limits.md` says what each is for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field


class Bounds(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Bounds):
    """What one request may ask for, fragments written out."""

    bytes: int = Field(default=50_000, ge=1)
    """Of the document's text, in UTF-8."""
    operations: int = Field(default=50, ge=1)
    """In one document: each is measured and validated, whichever is to run."""
    values: int = Field(default=10_000, ge=1)
    """In the variables, all lists and objects opened."""
    tokens: int = Field(default=2_000, ge=1)
    depth: int = Field(default=15, ge=1)
    """Levels of fields; below `__schema` and `__type` their own limit counts."""
    height: int = Field(default=500, ge=1)
    """Different fields: each fragment counts once, and a response key once in a selection set."""
    aliases: int = Field(default=30, ge=0)
    root_fields: int = Field(default=20, ge=1)
    directives: int = Field(default=50, ge=0)
    fields: int = Field(default=5_000, ge=1)
    repeats: int = Field(default=50, ge=1)
    """How often one response key may be selected in one place, fields of one key merged."""
    introspection_depth: int = Field(default=20, ge=1)
    """Levels of fields below `__schema` or `__type`; what tools ask for has 14. How often its lists
    may nest is a rule of validation."""


class OnDenial(StrEnum):
    """What becomes of an operation of which a part is refused."""

    FILTER = "filter"
    """The rest is answered; what is refused is null, with an error that says why."""
    REJECT = "reject"
    """Nothing is fetched, and every denial is told."""


class Unknown(StrEnum):
    """What becomes of a client that nobody has registered."""

    ALLOW = "allow"
    REFUSE = "refuse"


class CostMode(StrEnum):
    OFF = "off"
    MEASURE = "measure"
    """Estimated and told in the metrics, and charged where there is a budget."""
    ENFORCE = "enforce"
    """And refused beyond the maximum."""


class Show(StrEnum):
    NEVER = "never"
    DEVELOPERS = "developers"
    """Whoever has the role of that name, and everyone on a development gateway."""
    EVERYONE = "everyone"


DEVELOPER: Final = "developer"
"""The role."""


class Cost(Bounds):
    """What operations cost, in points, and how much one may."""

    mode: CostMode = CostMode.MEASURE
    maximum: int = Field(default=25_000, ge=1)
    list_size: int = Field(default=10, ge=1)
    """Of a list whose length nothing tells."""
    mutation: int = Field(default=10, ge=0)
    """What a mutation costs beside its fields."""
    deferred: int = Field(default=10, ge=0)
    """What a deferred fragment costs beside its fields: each asks subgraphs of its own."""
    show: Show = Show.NEVER
    """Who is told the cost in `extensions.cost` of the answer."""


class Bucket(Bounds):
    """A leaky bucket: so much at once, and so much more each second."""

    maximum: int = Field(ge=1)
    restore_rate: float = Field(gt=0)
    """A second."""


class Budget(Bounds):
    """What a client may ask for over time; what is not named is not bounded."""

    points: Bucket | None = None
    """Of cost."""
    requests: Bucket | None = None

    def __bool__(self) -> bool:
        return self.points is not None or self.requests is not None
