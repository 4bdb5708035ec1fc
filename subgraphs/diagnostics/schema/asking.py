"""What a client may ask observations by: their category, and their codes."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.diagnostics.loaders import Question
from subgraphs.diagnostics.schema.measured import Analyte
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.scalars import DateTime
from subgraphs.runtime.terms.codes import token_of

MAX_CODES: Final = 50


@strawberry.enum(
    description="http://terminology.hl7.org/CodeSystem/observation-category",
)
class ObservationCategory(Enum):
    VITAL_SIGNS = strawberry.enum_value("vital-signs", description="Blood pressure, pulse, weight.")
    LABORATORY = strawberry.enum_value("laboratory", description="Measured in a laboratory.")
    SOCIAL_HISTORY = strawberry.enum_value("social-history", description="Smoking, occupation.")
    SURVEY = strawberry.enum_value("survey", description="Questionnaires and their scores.")
    EXAM = strawberry.enum_value("exam", description="Findings of a physical examination.")
    IMAGING = strawberry.enum_value("imaging", description="Findings in images.")
    PROCEDURE = strawberry.enum_value("procedure", description="Results of other procedures.")
    THERAPY = strawberry.enum_value("therapy", description="Of therapies.")
    ACTIVITY = strawberry.enum_value("activity", description="Steps, sleep, exercise.")


Category: TypeAlias = Annotated[
    ObservationCategory | None, strawberry.argument(description="Only those of this category.")
]
Codes: TypeAlias = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Only those with one of these codes, each as `code` or `system|code`: "
        "`http://loinc.org|4548-4`. At most 50."
    ),
]


Analytes: TypeAlias = Annotated[
    list[Analyte] | None,
    strawberry.argument(
        description="Only measurements of these, whichever test, unit and code system they come "
        "in; with `codes` those of either."
    ),
]
From: TypeAlias = Annotated[
    DateTime | None,
    strawberry.argument(name="from", description="Only those that tell of then or later."),
]


def question_of(
    category: ObservationCategory | None,
    codes: list[str] | None,
    analytes: list[Analyte] | None,
    *,
    latest: bool,
) -> Question:
    asked = {_token(code) for code in codes or ()}
    if len(asked) > MAX_CODES:
        raise ClientError(Code.BAD_USER_INPUT, argument="codes", maximum=MAX_CODES)
    categories = (str(category.value),) if category else ()
    measured = tuple(sorted({str(analyte.value) for analyte in analytes or ()}))
    return Question(categories, tuple(sorted(asked)), measured, latest=latest)


def _token(code: str) -> str:
    system, bar, bare = code.rpartition("|")
    return token_of(system, bare) if bar else bare
