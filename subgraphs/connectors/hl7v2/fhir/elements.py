"""What all resources made of messages share: ids, codes, references, nothing empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from subgraphs.connectors.hl7v2.oru import Code

Resource: TypeAlias = dict[str, Any]
Namer: TypeAlias = Callable[..., str]
"""Makes an id of what tells a thing from others; it says nothing of what it was made of."""

SYSTEMS: Final = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "I10": "http://hl7.org/fhir/sid/icd-10-cm",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "UCUM": "http://unitsofmeasure.org",
}
"""Table 0396. A code of the sender's own keeps no system: it is nobody else's."""


def filled(**elements: Any) -> Resource:
    """Without what is empty: FHIR has no empty elements."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}


def reference(type_: str, id_: str) -> Resource:
    return {"reference": f"{type_}/{id_}"}


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def coded(code: Code) -> Resource:
    coding = filled(
        system=SYSTEMS.get(code.system.upper()), code=code.code, display=code.display or None
    )
    return filled(coding=[coding] if code.code else None, text=code.display or code.code)
