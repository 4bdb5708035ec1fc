"""What a client may ask observations by: their category, and their codes."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.diagnostics.loaders import Question
from subgraphs.runtime.errors import ClientError

MAX_CODES: Final = 50
# What a search parameter takes as one value: a comma would make it two.
_CODE: Final = re.compile(r"[^\s,$\\]{1,200}")


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


def question_of(
    category: ObservationCategory | None, codes: list[str] | None, *, latest: bool
) -> Question:
    asked = tuple(sorted(set(codes or ())))
    if len(asked) > MAX_CODES or any(not _CODE.fullmatch(code) for code in asked):
        raise ClientError(Code.BAD_USER_INPUT, argument="codes")
    categories = (str(category.value),) if category else ()
    return Question(categories, asked, latest=latest)
