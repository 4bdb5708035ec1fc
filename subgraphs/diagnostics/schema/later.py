"""Types that name each other: here one of two waits until it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from subgraphs.diagnostics.schema.encounters import Encounter
    from subgraphs.diagnostics.schema.imaging import ImagingStudy
    from subgraphs.diagnostics.schema.media import Media
    from subgraphs.diagnostics.schema.observations import Observation
    from subgraphs.diagnostics.schema.orders import ServiceRequest, Specimen
    from subgraphs.diagnostics.schema.patient import Patient
    from subgraphs.diagnostics.schema.reports import DiagnosticReport

_FOLDER = "subgraphs.diagnostics.schema"
PatientOfFact: TypeAlias = Annotated["Patient", strawberry.lazy(f"{_FOLDER}.patient")]
EncounterOfFact: TypeAlias = Annotated["Encounter", strawberry.lazy(f"{_FOLDER}.encounters")]
ObservationOfFact: TypeAlias = Annotated["Observation", strawberry.lazy(f"{_FOLDER}.observations")]
ReportOfFact: TypeAlias = Annotated["DiagnosticReport", strawberry.lazy(f"{_FOLDER}.reports")]
OrderOfFact: TypeAlias = Annotated["ServiceRequest", strawberry.lazy(f"{_FOLDER}.orders")]
SpecimenOfFact: TypeAlias = Annotated["Specimen", strawberry.lazy(f"{_FOLDER}.orders")]
MediaOfFact: TypeAlias = Annotated["Media", strawberry.lazy(f"{_FOLDER}.media")]
StudyOfFact: TypeAlias = Annotated["ImagingStudy", strawberry.lazy(f"{_FOLDER}.imaging")]
