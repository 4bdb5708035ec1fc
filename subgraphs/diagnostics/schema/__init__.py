"""The diagnostics subgraph as published."""

from subgraphs.diagnostics.schema.encounters import Encounter
from subgraphs.diagnostics.schema.imaging import ImagingStudy
from subgraphs.diagnostics.schema.media import Media
from subgraphs.diagnostics.schema.observations import Observation
from subgraphs.diagnostics.schema.orders import ServiceRequest, Specimen
from subgraphs.diagnostics.schema.patient import Patient
from subgraphs.diagnostics.schema.reports import DiagnosticReport
from subgraphs.runtime.schema import build_schema

# All by name: an entity that others name only late would not be found as one.
SCHEMA = build_schema(
    None,
    [
        Patient,
        Encounter,
        Observation,
        DiagnosticReport,
        ServiceRequest,
        Specimen,
        ImagingStudy,
        Media,
    ],
)
