"""US Core observations, reports, orders and what belongs to them, as far as they are published."""

from subgraphs.diagnostics.model.imaging import (
    DICOM_UID,
    Endpoint,
    ImagingStudy,
    Instance,
    Series,
)
from subgraphs.diagnostics.model.media import Media
from subgraphs.diagnostics.model.observations import Component, Measured, Observation
from subgraphs.diagnostics.model.reports import DiagnosticReport, ServiceRequest, Specimen

__all__ = [
    "DICOM_UID",
    "ENTERED_IN_ERROR",
    "Component",
    "DiagnosticReport",
    "Endpoint",
    "ImagingStudy",
    "Instance",
    "Measured",
    "Media",
    "Observation",
    "Series",
    "ServiceRequest",
    "Specimen",
]

ENTERED_IN_ERROR = "entered-in-error"
