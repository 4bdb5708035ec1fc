"""How EHR-B writes: the same facts as EHR-A would record, in shapes just as valid.

Problems carry SNOMED CT first and ICD-10-CM beside it, categories bring text and a local code,
and what a device measured over a while has a period instead of a moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.data.codes import PROBLEMS
from sandbox.data.shapes import Resource, concept, instant

_SNOMED_FOR = {problem.icd.code: problem for problem in PROBLEMS.values()}
_LOCAL_CATEGORY = "https://ehr-b.example/flowsheet"
_MEASURING = timedelta(minutes=2)
_EVERY = 3


def as_ehr_b(resource: Resource) -> Resource:
    match resource["resourceType"]:
        case "Condition":
            problem = _SNOMED_FOR.get(resource["code"]["coding"][0]["code"])
            if problem is not None:
                return {**resource, "code": concept(problem.snomed, problem.icd)}
        case "Observation":
            return _observation(resource)
    return resource


def _observation(resource: Resource) -> Resource:
    standard = resource["category"][0]["coding"][0]
    local = {"system": _LOCAL_CATEGORY, "code": standard["code"][:3].upper()}
    text = standard["display"]
    rewritten = {**resource, "category": [{"coding": [local, standard], "text": text}]}
    if int(resource["id"][-2:], 16) % _EVERY == 0:
        start = datetime.fromisoformat(rewritten.pop("effectiveDateTime"))
        end = instant(start + _MEASURING)
        rewritten["effectivePeriod"] = {"start": instant(start), "end": end}
    return rewritten
