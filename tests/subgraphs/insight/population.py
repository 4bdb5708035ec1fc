"""People in a store, each said in a line; and the subgraph over it, asked as the gateway asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from contract.context import Caller
from subgraphs.connectors.bulk.lines import Row
from subgraphs.insight.loaders.exports import Insight
from subgraphs.insight.measures.definition import load_measures
from subgraphs.insight.schema import SCHEMA
from subgraphs.insight.sources.reading import read_member, read_said
from subgraphs.insight.store.evaluation import Asked, Outcome, evaluate
from subgraphs.insight.store.store import Store
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.consent import NO_DIRECTIVES, Directives
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.signed import KEY, NOW, ask_subgraph

TODAY = date(2026, 11, 22)
AS_OF = "2026-11-22T06:00:00Z"
ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
LOINC, CVX = "http://loinc.org", "http://hl7.org/fhir/sid/cvx"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
MEASURES = load_measures()

CLINICIAN = Caller(subject="c", roles=("clinician",), scopes=("user/*.rs",))
RESEARCHER = Caller(subject="r", roles=("researcher",), scopes=("user/MeasureReport.rs",))


def herself(name: str) -> Caller:
    return Caller(subject=name, roles=("patient",), scopes=("patient/*.rs",), patient=f"ehr/{name}")


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def patient(name: str, born: str = "1960-05-04", sex: str = "female", **more: Any) -> dict:
    return {"resourceType": "Patient", "id": name, "birthDate": born, "gender": sex, **more}


def _of(type_: str, name: str, number: object, **more: Any) -> dict[str, Any]:
    subject = {"subject": {"reference": f"Patient/{name}"}}
    return {"resourceType": type_, "id": f"{type_}-{name}-{number}", **subject, **more}


def condition(name: str, code: str, since: str = "2020-01-01", system=ICD, **more: Any) -> dict:
    number = f"{code}-{since}"
    said = {"code": concept(system, code), "onsetDateTime": since, **more}
    return _of("Condition", name, number, **said)


def observed(name: str, code: str, day: str, value: Any = None, unit: str = "%", **more) -> dict:
    amount = {} if value is None else {"valueQuantity": {"value": value, "unit": unit}}
    said = {"status": "final", "code": concept(LOINC, code), "effectiveDateTime": day}
    return _of("Observation", name, f"{code}-{day}-{value}", **{**said, **amount, **more})


def pressure(name: str, day: str, systolic: int, diastolic: int, **more: Any) -> dict[str, Any]:
    parts = [
        {
            "code": concept(LOINC, code),
            "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return observed(name, "85354-9", day, **{"component": parts, **more})


def procedure(name: str, code: str, day: str, system: str = SNOMED, **more: Any) -> dict[str, Any]:
    said = {"status": "completed", "code": concept(system, code), "performedDateTime": day}
    return _of("Procedure", name, f"{code}-{day}", **{**said, **more})


def vaccination(name: str, code: str, day: str, **more: Any) -> dict[str, Any]:
    said = {"status": "completed", "vaccineCode": concept(CVX, code), "occurrenceDateTime": day}
    owner = {"patient": {"reference": f"Patient/{name}"}}
    row = _of("Immunization", name, f"{code}-{day}", **{**said, **owner, **more})
    del row["subject"]
    return row


def labelled(row: dict[str, Any], *codes: str) -> dict[str, Any]:
    return {**row, "meta": {"security": [{"code": code} for code in codes]}}


def row_of(resource: Mapping[str, Any]) -> Row:
    return Row(resource["resourceType"], resource.get("id"), json.dumps(resource).encode())


@dataclass
class Population:
    """A store, and whose its records are: of one name is one person, whatever the source."""

    store: Store
    births: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[Link]] = field(default_factory=dict)
    directed: dict[str, Directives] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crosswalk = Crosswalk(KEY)
        self.subgraph = Subgraph(
            "insight",
            IdSeal(KEY),
            self.crosswalk,
            self,
            Insight(self.store),
            now=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC),
        )
        self.app = create_subgraph_app(self.subgraph, SCHEMA, keys={"1": KEY}, clock=lambda: NOW)

    async def export(self, *resources: dict[str, Any], source: str = "ehr") -> None:
        """Everything a source has, as its export tells it."""
        at = datetime(2026, 11, 22, 6, tzinfo=UTC)
        plan = await self.store.begin(source, at)
        people = [each for each in resources if each["resourceType"] == "Patient"]
        for each in people:
            self.births[each["id"]] = each.get("birthDate")
            self.members.setdefault(each["id"], set()).add(Link(source, each["id"]))
        await self.store.take_members(source, plan.round, [read_member(row_of(p)) for p in people])
        rest = [row_of(each) for each in resources if each not in people]
        await self.store.take_said(source, plan.round, [read_said(row, MEASURES) for row in rest])
        await self.store.finish(source, plan, AS_OF, at, rows=len(resources), unreadable=0)
        members = await self.store.members(unknown=False)
        await self.store.note_persons(members, await self.persons(members))

    async def persons(self, members: Sequence[Link]) -> dict[Link, Person]:
        """`AccessFacts`"""
        return {
            link: Person(self.id_of(link.id), tuple(self.members[link.id]), self.births[link.id])
            for link in members
            if link.id in self.members
        }

    async def directives(self, link_sets: list[tuple[Link, ...]]) -> list[Directives]:
        return [self.directed.get(links[0].id, NO_DIRECTIVES) for links in link_sets]

    def id_of(self, name: str) -> str:
        return self.subgraph.ids.seal("identity", RecordRef("ehr", "Patient", name, name))

    def name_of(self, id_: str) -> str:
        return next(name for name in self.births if self.id_of(name) == id_)

    async def outcomes(self, measure: str, on: date = TODAY) -> dict[str, Outcome]:
        """Of everybody who is meant, by name, over everything that is known of them."""
        wanted = MEASURES.by_id[measure]
        found = await self.store.read(
            lambda c: evaluate(c, wanted, Asked.everybody(), on, hidden=[])
        )
        return {self.name_of(each.person): each for each in found}

    async def ask(self, query: str, caller: Caller = CLINICIAN, **variables: Any) -> Any:
        return await ask_subgraph(self.app, "insight", query, caller, **variables)

    async def gaps_of(self, name: str, caller: Caller = CLINICIAN) -> list[str]:
        """The measures by which someone has a gap."""
        links = self.crosswalk.seal_links(self.id_of(name), self.members[name], self.births[name])
        representation = {"__typename": "Patient", "id": self.id_of(name), "links": links}
        query = """query ($r: [_Any!]!) { _entities(representations: $r) {
            ... on Patient { careGaps { nodes { measure { id } } } } } }"""
        answer = await self.ask(query, caller, r=[representation])
        assert "errors" not in answer, answer["errors"]
        connection = answer["data"]["_entities"][0]["careGaps"]
        return [node["measure"]["id"] for node in connection["nodes"]]

    async def cohort(self, measure: str, caller: Caller = CLINICIAN, **page: Any) -> list[str]:
        """The names on a page of who has a gap."""
        given = "".join(f", {name}: {json.dumps(value)}" for name, value in page.items())
        arguments = f"({given[2:]})" if given else ""
        query = f"""query ($m: ID!) {{ cohort(measure: $m) {{
            gaps{arguments} {{ nodes {{ patient {{ id }} }} }} }} }}"""
        answer = await self.ask(query, caller, m=measure)
        assert "errors" not in answer, answer["errors"]
        nodes = answer["data"]["cohort"]["gaps"]["nodes"]
        return [self.name_of(node["patient"]["id"]) for node in nodes]
