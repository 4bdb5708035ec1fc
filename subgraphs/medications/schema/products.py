"""What is taken and how: products by RxNorm, and the instructions to take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.medications import model
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import CodeableConcept, Period, Quantity
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.terms.codes import RXNORM, ingredient_name, ingredient_of, token_of

_RXCUI: Final = re.compile(r"\d{1,8}", re.ASCII)


@federation.type(
    keys=["rxcui"],
    description="A drug as a product or an ingredient: a term of RxNorm, not anybody's record. "
    "https://www.nlm.nih.gov/research/umls/rxnorm",
)
class Medication:
    rxcui: strawberry.ID | None = strawberry.field(
        description="RxNorm's number for it; null for what a source has in other codes or in words."
    )
    code: CodeableConcept | None = strawberry.field(
        description="It in every code and in the words of whoever names it."
    )
    display: str | None = strawberry.field(description="Its name, to show.")

    @strawberry.field(
        description="Its active ingredient, as far as it is known: what products of different "
        "strengths and makers have in common. An ingredient's is itself."
    )
    def ingredient(self) -> Medication | None:
        if self.rxcui is None:
            return None
        token = ingredient_of(token_of(RXNORM, self.rxcui))
        return None if ingredient_name(token) is None else Medication.named(_code_of(token))

    @classmethod
    def of(cls, concept: fhir.CodeableConcept | None) -> Medication | None:
        if concept is None:
            return None
        tokens = (coding.token for coding in concept.coding if coding.code)
        rxcui = next((_code_of(token) for token in tokens if token.startswith(RXNORM)), None)
        said = (*(coding.display for coding in concept.coding), concept.text)
        return cls(
            rxcui=strawberry.ID(rxcui) if rxcui else None,
            code=CodeableConcept.of(concept),
            display=concept.text or next((words for words in said if words), None),
        )

    @classmethod
    def named(cls, rxcui: str) -> Medication:
        """By its number alone: named only where it is a known ingredient."""
        name = ingredient_name(token_of(RXNORM, rxcui))
        concept = fhir.CodeableConcept((fhir.Coding(RXNORM, None, rxcui, name),), name)
        return cls(rxcui=strawberry.ID(rxcui), code=CodeableConcept.of(concept), display=name)

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return [cls._by_key(representation.get("rxcui")) for representation in representations]

    @classmethod
    def _by_key(cls, rxcui: object) -> Medication | ClientError:
        if isinstance(rxcui, str) and _RXCUI.fullmatch(rxcui):
            return cls.named(rxcui)
        return ClientError(Code.NOT_FOUND)


def _code_of(token: str) -> str:
    return token.partition("|")[2]


@strawberry.type(description="How to take or give it. https://hl7.org/fhir/R4/dosage.html")
class DosageInstruction:
    text: str | None = strawberry.field(description="The instruction in words.")
    patient_instruction: str | None = strawberry.field(
        description="In words meant for the patient."
    )
    dose: Quantity | None = strawberry.field(
        description="How much at a time: tablets, or an amount in UCUM units, `mg`."
    )
    dose_low: Quantity | None = strawberry.field(description="The least at a time, of a range.")
    dose_high: Quantity | None = strawberry.field(description="The most at a time, of a range.")
    frequency: int | None = strawberry.field(description="How many times in each period.")
    period: Decimal | None = strawberry.field(description="How long the period is, in its unit.")
    period_unit: str | None = strawberry.field(
        description="The unit of the period, UCUM: `s`, `min`, `h`, `d`, `wk`, `mo` or `a`."
    )
    timing: CodeableConcept | None = strawberry.field(
        description="When, as a code: `BID` twice a day, `QD` daily; "
        "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
    )
    bounds: Period | None = strawberry.field(description="From when to when it is to be taken.")
    as_needed: bool | None = strawberry.field(description="Whether it is taken only when needed.")
    as_needed_for: CodeableConcept | None = strawberry.field(description="What for, then.")
    route: CodeableConcept | None = strawberry.field(description="How it enters the body.")

    @classmethod
    def of(cls, dosage: model.Dosage) -> DosageInstruction:
        timing, span = dosage.timing, dosage.dose_range
        repeat = timing.repeat if timing else None
        return cls(
            text=dosage.text,
            patient_instruction=dosage.patient_instruction,
            dose=Quantity.of(dosage.dose),
            dose_low=Quantity.of(span.low if span else None),
            dose_high=Quantity.of(span.high if span else None),
            frequency=repeat.frequency if repeat else None,
            period=repeat.period if repeat else None,
            period_unit=repeat.period_unit if repeat else None,
            timing=CodeableConcept.of(timing.code if timing else None),
            bounds=Period.of(repeat.bounds_period if repeat else None),
            as_needed=dosage.as_needed,
            as_needed_for=CodeableConcept.of(dosage.as_needed_codeable_concept),
            route=CodeableConcept.of(dosage.route),
        )
