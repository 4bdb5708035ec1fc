"""What the label rules make of real records: which were labelled, by which rule, for which code.

    python -m bench.labels ../shared/data            prints the table
    python -m bench.labels ../shared/data --write    puts it into docs/labels.md

Only codes are printed, no words of a code system and nothing of a person.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

import msgspec

from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.explanations import EXPLANATION, ExplanationResource
from subgraphs.diagnostics import kinds as diagnostics
from subgraphs.diagnostics.model import DiagnosticReport, Observation
from subgraphs.medications import kinds as medications
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.records import kinds as records
from subgraphs.records import model as chart
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import ages_at
from subgraphs.runtime.labels.rules import SYSTEMS, WORDS, Ages, Rule, rules_for
from subgraphs.runtime.terms.codes import token_of
from subgraphs.scheduling.loaders import APPOINTMENTS
from subgraphs.scheduling.model import Appointment

PAGE: Final = Path(__file__).parents[1] / "docs" / "labels.md"
BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"
FHIR: Final = {
    "synthea-r4": "*.json.gz",
    "uscore-examples": "*.json",
    "inferno-reference": "*.json",
    "carin": "*.json",
}
KINDS: Final[Mapping[str, tuple[Any, Kind[Any]]]] = {
    "Condition": (chart.Condition, records.CONDITIONS),
    "AllergyIntolerance": (chart.AllergyIntolerance, records.ALLERGIES),
    "Encounter": (chart.Encounter, records.ENCOUNTERS),
    "Procedure": (chart.Procedure, records.PROCEDURES),
    "Immunization": (chart.Immunization, records.IMMUNIZATIONS),
    "Observation": (Observation, diagnostics.OBSERVATIONS),
    "DiagnosticReport": (DiagnosticReport, diagnostics.REPORTS),
    "MedicationRequest": (MedicationRequest, medications.REQUESTS),
    "MedicationDispense": (MedicationDispense, medications.DISPENSES),
    "Appointment": (Appointment, APPOINTMENTS),
    "Coverage": (CoverageResource, COVERAGE),
    "ExplanationOfBenefit": (ExplanationResource, EXPLANATION),
}
Resource: TypeAlias = dict[str, Any]
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_NAMES: Final = {uri: name for name, uri in SYSTEMS.items()}


class Row(NamedTuple):
    inputs: str
    rule: str
    label: str
    code: str
    """By the rules' name of its system."""
    what: str


def count(data: Path) -> tuple[Counter[Row], Counter[str]]:
    """How many records each rule labels for each code; and how many were read of each input."""
    labelled: Counter[Row] = Counter()
    read: Counter[str] = Counter()
    for folder, pattern in FHIR.items():
        for file in sorted((data / folder).glob(pattern)):
            for type_, named, ages in _records(file):
                read[folder] += 1
                labelled.update(_rows(folder, type_, rules_for(named, ages)))
    for file in sorted((data / "ccda").glob("*.ccda")):
        for subject in _coded(ET.parse(file)):  # noqa: S314 - published samples
            read["ccda"] += 1
            labelled.update(_rows("ccda", "entry", rules_for([subject])))
    return labelled, read


def table(labelled: Counter[Row], read: Counter[str]) -> str:
    """The page's table, in Markdown."""
    lines = ["| inputs | rule | label | for | what | records |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.inputs} | {row.rule} | {row.label} | `{row.code}` | {row.what} | {number} |"
        for row, number in sorted(labelled.items())
    ]
    held = ", ".join(f"{folder} {number}" for folder, number in sorted(read.items()))
    return "\n".join([*lines, "", f"Read: {held} (of ccda: coded entries)."]) + "\n"


def _rows(folder: str, what: str, found: Iterable[tuple[Rule, str]]) -> Iterator[Row]:
    for rule, subject in found:
        system, _, code = subject.partition("|")
        # Words may be anybody's: that there were some is all that is told.
        named = "words" if system == WORDS else f"{_NAMES[system]} {code}"
        yield Row(folder, rule.id, rule.label.code, named, what)


def _records(file: Path) -> Iterator[tuple[str, frozenset[str], Ages | None]]:
    """Each record's type, what it names, and the patient's age then."""
    content = file.read_bytes()
    try:
        found = _DECODER.decode(gzip.decompress(content) if file.suffix == ".gz" else content)
    except msgspec.DecodeError:
        return
    entries = list(_entries(found)) if isinstance(found, dict) else []
    born = {
        reference: resource.get("birthDate")
        for url, resource in entries
        if resource.get("resourceType") == "Patient"
        for reference in (url, f"Patient/{resource.get('id')}")
    }
    for _, resource in entries:
        model, kind = KINDS.get(str(resource.get("resourceType")), (None, None))
        if model is None or kind is None:
            continue
        try:
            record = msgspec.convert(resource, model)
        except msgspec.ValidationError:
            continue
        owner = record.owner.reference if record.owner else None
        named = kind.subject(record) | kind.mentions(record)
        yield kind.type, named, ages_at(born.get(owner), kind.rank(record))


def _entries(resource: Resource, url: str | None = None) -> Iterator[tuple[str | None, Resource]]:
    yield url, resource
    if resource.get("resourceType") == "Bundle":
        for entry in resource.get("entry", ()):
            if isinstance(entry.get("resource"), dict):
                yield from _entries(entry["resource"], entry.get("fullUrl"))


def _coded(document: ET.ElementTree[ET.Element[str]]) -> Iterator[str]:
    for element in document.iter():
        system, code = element.get("codeSystem"), element.get("code")
        if system and code:
            yield token_of(system, code)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = table(*count(asked.data))
    if not asked.write:
        sys.stdout.write(text)
        return
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
