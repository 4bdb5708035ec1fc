"""Care gaps, and the measures that they are gaps by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import ListSize

from contract.errors import Code
from subgraphs.insight.loaders.exports import REPORT, Insight, as_of, load_exports
from subgraphs.insight.loaders.gaps import CARE_GAP, Gap, load_gaps
from subgraphs.insight.loaders.rates import By, load_rates, load_trend
from subgraphs.insight.measures import definition
from subgraphs.insight.measures.rates import LEAST, Rate
from subgraphs.insight.store.evaluation import Evidence, Lack
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.datatypes import FEW, Coding, Provenance, ProvenanceMethod, Quantity
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import PATIENT, PatientNode
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.labelling import ACT_CODE
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
UCUM: Final = "http://unitsofmeasure.org"
MAX_MONTHS: Final = 36
MONTHS: Final = ListSize(  # type: ignore[call-arg]  # None would be printed
    assumed_size=12, slicing_arguments=["months"], require_one_slicing_argument=False
)
OF_ALL: Final = [[f"{level}/{REPORT}.rs"] for level in ("user", "system")]
"""Rates are of everybody: no patient's application asks for them."""

strawberry.enum(
    Lack,
    name="CareGapReason",
    description="Why there is a gap: nothing was done in the time that counts (`MISSING`), or what "
    "was measured last is not as it should be (`OUT_OF_RANGE`).",
)


strawberry.enum(
    By,
    name="RateGrouping",
    description="What rates are told apart by: the organization that keeps the patient's record, "
    "as a source says, or the source itself. A patient of several counts in each.",
)


@strawberry.type(
    description="How many of those who are meant have had the care. "
    f"Numbers under {LEAST}, and what they could be computed from, are left out: `isSuppressed`. "
    "Records that are labelled as sensitive count for nobody."
)
class MeasureRate:
    group: str | None = strawberry.field(
        description="The organization's or the source's name; null for all together."
    )
    month: Date | None = strawberry.field(
        description="`YYYY-MM` of a trend: as it was on that month's last day, or is today."
    )
    eligible: int | None = strawberry.field(description="Patients who are meant.")
    met: int | None = strawberry.field(description="Of these, who has had the care.")
    open: int | None = strawberry.field(description="Of these, who has a gap.")
    percentage: Decimal | None = strawberry.field(
        description="`met` of `eligible`, in percent, to one decimal."
    )
    is_suppressed: bool = strawberry.field(description="Whether numbers are left out.")

    @classmethod
    def of(cls, rate: Rate, month: str | None = None) -> MeasureRate:
        percentage = None
        if rate.met is not None and rate.eligible:
            percentage = round(Decimal(100 * rate.met) / rate.eligible, 1)
        return cls(
            group=rate.group,
            month=Date(month) if month else None,
            eligible=rate.eligible,
            met=rate.met,
            open=rate.open,
            percentage=percentage,
            is_suppressed=rate.is_suppressed,
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(REPORT),
    description="What is to be done for whom, as care gaps and rates count it.",
)
class Measure:
    id: strawberry.ID = strawberry.field(
        description="Readable and stable, such as `diabetes-a1c-tested`."
    )
    version: str = strawberry.field(description="Changes with what is counted.")
    title: str = strawberry.field(description="What is to be done.")
    gap: str = strawberry.field(description="What it means to lack it.")
    steward: str = strawberry.field(description="Who wrote it, and after what; none is certified.")
    period: str = strawberry.field(description="The time in which the care counts.")
    first_age: int = strawberry.field(description="In completed years: who is meant, from then on.")
    last_age: int = strawberry.field(description="In completed years, inclusive.")
    measure: strawberry.Private[definition.Measure]

    @classmethod
    def of(cls, measure: definition.Measure) -> Measure:
        first, last = measure.population.ages
        return cls(
            id=strawberry.ID(measure.id),
            version=measure.version,
            title=measure.title,
            gap=measure.gap,
            steward=measure.steward,
            period=measure.period,
            first_age=first,
            last_age=last,
            measure=measure,
        )

    @federation.field(
        directives=[FEW],
        requires_scopes=OF_ALL,
        description="How many have had the care: of all, or group by group.",
    )
    async def rates(
        self,
        info: strawberry.Info,
        by: Annotated[
            By | None, strawberry.argument(description="Of all together, if left out.")
        ] = None,
    ) -> list[MeasureRate] | None:
        found = await load_rates(info.context, self.measure, by)
        return [MeasureRate.of(rate) for rate in found]

    @federation.field(
        directives=[MONTHS],
        requires_scopes=OF_ALL,
        description="The rate of all, month by month, the oldest first: by what is known today.",
    )
    async def trend(
        self,
        info: strawberry.Info,
        months: Annotated[
            int,
            strawberry.argument(
                description=f"This one included: one at least, and more than {MAX_MONTHS} are "
                f"{MAX_MONTHS}."
            ),
        ] = 12,
    ) -> list[MeasureRate] | None:
        request: Request[Insight] = info.context
        some = max(1, min(months, MAX_MONTHS))
        days = ends_of_months(request.subgraph.now().date(), some)
        found = await load_trend(request, self.measure, days)
        return [
            MeasureRate.of(rate, day.strftime("%Y-%m"))
            for rate, day in zip(found, days, strict=True)
        ]

    @strawberry.field(
        description="As of when everything that is counted is known: the oldest of the exports."
    )
    async def as_of(self, info: strawberry.Info) -> DateTime | None:
        return date_time(await as_of(info.context))

    @classmethod
    async def resolve_references(
        cls, request: Request[Insight], representations: Sequence[Representation]
    ) -> list[Measure | Exception]:
        known = request.services.measures.by_id
        found = (known.get(str(each.get("id"))) for each in representations)
        return [cls.of(each) if each else ClientError(Code.NOT_FOUND) for each in found]


@strawberry.type(description="The last time something was done that a measure asks for.")
class CareEvidence:
    what: str = strawberry.field(description="In words: `Hemoglobin A1c`.")
    day: Date = strawberry.field(description="In UTC.")
    value: Quantity | None = strawberry.field(
        description="What was measured, in the unit the measure counts in; the lowest of its day."
    )
    sources: list[str] = strawberry.field(directives=[FEW], description="Who has it.")

    @classmethod
    def of(cls, evidence: Evidence, concept: definition.Concept) -> CareEvidence:
        unit = concept.measured.unit if concept.measured else concept.unit
        value = None
        if evidence.value is not None:
            shown = Decimal(f"{evidence.value.normalize():f}")
            value = Quantity(value=shown, comparator=None, unit=unit, system=UCUM, code=unit)
        return cls(
            what=concept.title,
            day=Date(evidence.day.isoformat()),
            value=value,
            sources=list(evidence.sources),
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(REPORT),
    description="What a patient lacks by a measure. It is computed for each caller over the "
    "records which that caller may see, and only for one who may see every kind of record that the "
    "measure reads.",
)
class CareGap:
    id: strawberry.ID = strawberry.field(description="Opaque: the patient and the measure.")
    patient: Patient = strawberry.field(description="Whose.")
    measure: Measure = strawberry.field(description="By which.")
    reason: Lack = strawberry.field(description="Why there is one.")
    due: Date = strawberry.field(
        description="Since when: the day on which what was done before no longer counted, or was "
        "found out of range; the day from which the patient is meant, where nothing was."
    )
    evidence: list[CareEvidence] = strawberry.field(
        directives=[FEW], description="The last of each that counts, however long ago."
    )
    as_of: DateTime | None = strawberry.field(
        description="As of when everything that it is computed over is known: what a source has "
        "changed since is not in it."
    )
    provenance: list[Provenance] = strawberry.field(
        directives=[FEW],
        description="The sources of this patient's that it is computed over; `receivedAt` is as of "
        "when the source's export is whole.",
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW], description="Those of the records that it rests on."
    )

    @classmethod
    def of(cls, request: Request[Insight], gap: Gap) -> CareGap:
        concepts = request.services.measures.concepts
        return cls(
            id=_sealed(request, gap),
            patient=Patient(id=strawberry.ID(gap.compartment.patient)),
            measure=Measure.of(gap.measure),
            reason=gap.lack,
            due=Date(gap.outcome.due.isoformat()),
            evidence=[CareEvidence.of(e, concepts[e.concept]) for e in gap.outcome.evidence],
            as_of=date_time(gap.as_of),
            provenance=[
                Provenance(
                    source=each.source,
                    recorded_at=None,
                    received_at=date_time(each.as_of),
                    method=ProvenanceMethod.FHIR_READ,
                )
                for each in gap.exports
                if each.as_of and each.source in {link.source for link in gap.compartment.links}
            ],
            security_labels=[_label(code) for code in sorted(gap.labels)],
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Insight], representations: Sequence[Representation]
    ) -> list[CareGap | Exception]:
        refs = [request.open(CARE_GAP, each.get("id")) for each in representations]
        known = [ref for ref in refs if ref]
        patients = dict(zip(known, await request.compartments(known), strict=True))
        found: list[CareGap | Exception] = []
        for ref in refs:
            patient = patients.get(ref) if ref else None
            gaps = await load_gaps(request, patient) if patient else []
            gap = next((each for each in gaps if ref and each.measure.id == ref.id), None)
            found.append(cls.of(request, gap) if gap else ClientError(Code.NOT_FOUND))
        return found


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(REPORT),
        description="What the patient lacks by the measures, the longest overdue first.",
    )
    async def care_gaps(
        self,
        info: strawberry.Info,
        measures: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="Only by these; all, if left out."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[CareGap] | None:
        request: Request[Insight] = info.context
        gaps = await load_gaps(request, await request.compartment(self.id, self.links))
        wanted = None if measures is None else set(measures)
        rows = tuple(gap for gap in gaps if wanted is None or gap.measure.id in wanted)
        reports = await load_exports(request)
        listing: Listing[Gap] = Listing(id=lambda gap: gap.measure.id, rank=lambda gap: gap.rank)
        return connect(
            request,
            listing,
            lambda gap: CareGap.of(request, gap),
            Gathered(rows, tuple(reports)),
            scope=f"careGaps:{self.id}",
            first=first,
            after=after,
        )


def _label(code: str) -> Coding:
    system = CONFIDENTIALITY if code in {"N", "R", "V"} else ACT_CODE
    return Coding(system=system, code=code, display=None, version=None)


def _sealed(request: Request[Any], gap: Gap) -> strawberry.ID:
    member = gap.compartment.links[0]
    return strawberry.ID(request.seal(CARE_GAP, member.source, gap.measure.id, member.id))


def ends_of_months(today: date, months: int) -> list[date]:
    """The last days of so many months, the last of them today."""
    last = today.year * 12 + today.month - 1
    firsts = [date(n // 12, n % 12 + 1, 1) for n in range(last - months + 2, last + 1)]
    return [*(date.fromordinal(first.toordinal() - 1) for first in firsts), today]
