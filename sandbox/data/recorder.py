"""Where a chart is being written, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.data.directory import Directory, Practitioner
from sandbox.data.shapes import Reference
from sandbox.data.source import SourceBuilder


@dataclass(frozen=True, slots=True)
class Recorder:
    source: SourceBuilder
    directory: Directory
    doctor: Practitioner
    patient: Reference
    number: int
    formulary: Mapping[str, Reference] = field(default_factory=dict)
    """The Medication that stands for a drug's RxCUI, where the source keeps such a list."""

    def encounter(self, visit_number: int) -> Reference:
        id_ = self.source.identify("Encounter", self.number, visit_number)
        return {"reference": f"Encounter/{id_}"}
