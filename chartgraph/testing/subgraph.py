"""What every subgraph owes the graph: what it publishes, to whom it answers, what it never tells.

A subgraph's test class inherits `SubgraphContract` and says what a record of its own looks like and
by which fields it is reached.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from graphql import (
    FieldDefinitionNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    ObjectTypeDefinitionNode,
    parse,
    print_ast,
)

from chartgraph.composing import installed
from chartgraph.testing.connectors import PHI
from chartgraph.testing.served import ADA, BEA, SOURCE, Answer, Served, serve
from contract.context import Caller
from contract.errors import Code
from gateway.composition import compose
from subgraphs.catalog import schema_of, schema_text
from subgraphs.connectors.errors import TimedOut
from subgraphs.connectors.searched import Resource
from subgraphs.runtime.consent import Directives, Provision
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.settings import RuntimeSettings

CLINICIAN: Final = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
ADA_HERSELF: Final = Caller(
    "a", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/{ADA}"
)
PERMITTED: Final = {
    "a clinician": CLINICIAN,
    "herself": ADA_HERSELF,
    "a system": Caller("s", scopes=("system/*.rs",)),
}
DENIED: Final = {
    "nobody": None,
    "whoever has no scope": Caller("c", roles=("clinician",)),
    "whoever has another scope": Caller("c", roles=("clinician",), scopes=("user/Basic.rs",)),
    "whoever may write": Caller("c", roles=("clinician",), scopes=("user/*.cud",)),
    "another patient": Caller(
        "b", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/{BEA}"
    ),
    "a patient of nowhere": Caller("b", roles=("patient",), scopes=("patient/*.rs",)),
    "whoever has no role": Caller("x", scopes=("user/*.rs",)),
    "a scheduler": Caller("s", roles=("scheduler",), scopes=("user/*.rs",)),
}
BY_ID: Final = "_entities"


class SubgraphContract(ABC):
    name: ClassVar[str]
    """Under which it is registered."""
    holds: ClassVar[str]
    """The FHIR type of its records."""
    entity: ClassVar[str] = ""
    """What it makes of one, a type with the key `id`; without it, the name is FHIR's."""
    ways: ClassVar[Mapping[str, str]]
    """How a record is reached: for each field of `Patient` that it adds, and each root field, the
    selection, with the records' `id` in it. `$patient` is Ada's id."""

    @abstractmethod
    def record(self, id_: str, patient: str) -> Resource:
        """A record as a source sends it, `PHI` in it."""

    @pytest.fixture
    async def served(self, tmp_path: Path) -> AsyncIterator[Served]:
        async with AsyncExitStack() as stack:
            served = await serve(self.name, RuntimeSettings(home=tmp_path), stack)
            served.source.records = {who: [self.record("1", who)] for who in (ADA, BEA)}
            yield served

    async def reach(self, served: Served, way: str, caller: Caller | None) -> Answer:
        """Ask for Ada's records, one way or another."""
        if way == BY_ID:
            return await self.by_id(served, caller, served.id_of(self.holds, "1", ADA))
        type_, _, _ = way.partition(".")
        selection = self.ways[way].replace("$patient", f'"{ADA}"')
        if type_ == "Patient":
            return await self.of_patient(served, caller, selection, served.patient(ADA))
        return await served.ask(caller, f"{{ {selection} }}")

    async def of_patient(
        self, served: Served, caller: Caller | None, selection: str, *patients: Mapping[str, Any]
    ) -> Answer:
        return await served.entities(caller, f"... on Patient {{ {selection} }}", *patients)

    async def by_id(self, served: Served, caller: Caller | None, id_: str) -> Answer:
        representation = {"__typename": self._entity, "id": id_}
        return await served.entities(caller, f"... on {self._entity} {{ id }}", representation)

    async def every(self, served: Served, caller: Caller | None) -> dict[str, Answer]:
        return {way: await self.reach(served, way, caller) for way in (*self.ways, BY_ID)}

    def shown(self, served: Served, answers: Mapping[str, Answer], id_: str = "1") -> set[str]:
        """The ways on which Ada's record came out."""
        sealed = served.id_of(self.holds, id_, ADA)
        return {way for way, answer in answers.items() if sealed in answer.text}

    # What it publishes

    def test_every_way_to_a_record_is_tried(self) -> None:
        published = self._published()
        reached = {
            f"{owner}.{field.name.value}"
            for owner in ("Patient", "Query", "Mutation", "Subscription")
            if owner in published
            for field in published[owner].fields or ()
            if field.name.value not in ("id", "links") and not field.name.value.startswith("_")
        }
        assert self.ways.keys() == reached

    def test_everything_is_described(self) -> None:
        assert undescribed(schema_of(self.name)) == []

    def test_what_it_adds_is_protected(self) -> None:
        protecting = {"requiresScopes", "policy"}
        assert _directives(self._published()[self._entity]) & protecting
        for way in self.ways:
            assert _directives(self._field(way)) & protecting, way

    def test_its_lists_cost_what_they_are_long(self) -> None:
        for way in self.ways:
            field = self._field(way)
            is_list = print_ast(field.type).rstrip("!").endswith("Connection")
            assert not is_list or "listSize" in _directives(field), way

    def test_its_entity_tells_where_it_is_from_and_how_sensitive_it_is(self) -> None:
        fields = {field.name.value for field in self._published()[self._entity].fields or ()}
        assert {"id", "provenance", "securityLabels", "conflicts"} <= fields

    def test_it_composes_with_all_others(self) -> None:
        composed = compose(installed())
        protected = [h for h in composed.hints if h.code == "PROTECTED_FIELD_NOT_NULLABLE"]
        assert protected == [], "a denial would take what stands around it along"

    # To whom it answers

    async def test_it_tells_how_it_is(self, served: Served) -> None:
        for path in ("/health", "/ready"):
            assert (await served.http("GET", path)).status_code == HTTPStatus.OK

    async def test_only_the_gateway_is_answered(self, served: Served) -> None:
        query = b'{"query": "{ __typename }"}'
        for headers in ({}, {"chartgraph-context": "a.b"}):
            answer = await served.post(query, headers)
            assert answer.status_code == HTTPStatus.UNAUTHORIZED
        answer = await served.http("GET", "/graphql?query={__typename}")
        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED

    @pytest.mark.parametrize("who", PERMITTED)
    async def test_whoever_may_see_it_sees_it_on_every_way(self, served: Served, who: str) -> None:
        answers = await self.every(served, PERMITTED[who])
        assert self.shown(served, answers) == answers.keys()
        for answer in answers.values():
            assert answer.report.patients == (ADA,)

    @pytest.mark.parametrize("who", DENIED)
    async def test_whoever_may_not_see_it_sees_it_on_no_way(self, served: Served, who: str) -> None:
        answers = await self.every(served, DENIED[who])
        for way, answer in answers.items():
            assert PHI not in answer.text, way
            assert answer.report.patients == (), way
            assert answer.report.refusals, "the audit has to know"
        assert self.shown(served, answers) == set()

    async def test_what_is_sensitive_is_closed_on_every_way(self, served: Served) -> None:
        closed = {**self.record("1", ADA), "meta": {"security": [{"code": "PSY"}]}}
        served.source.records[ADA] = [closed]
        assert self.shown(served, await self.every(served, CLINICIAN)) == set()
        assert self.shown(served, await self.every(served, ADA_HERSELF)) == {*self.ways, BY_ID}

    async def test_what_she_closed_is_closed_on_every_way(self, served: Served) -> None:
        served.facts.directed = {ADA: Directives((Provision(permits=False),))}
        assert self.shown(served, await self.every(served, CLINICIAN)) == set()
        assert self.shown(served, await self.every(served, ADA_HERSELF)) == {*self.ways, BY_ID}

    async def test_nothing_is_shown_while_nobody_knows_what_she_directed(
        self, served: Served
    ) -> None:
        served.facts.are_known = False
        assert self.shown(served, await self.every(served, CLINICIAN)) == set()

    async def test_links_of_another_lead_nowhere(self, served: Served) -> None:
        forged = served.patient(ADA, links=BEA)
        for way in self._patient_ways():
            answer = await self.of_patient(served, CLINICIAN, self.ways[way], forged)
            assert answer.codes == [Code.NOT_FOUND], way
            assert PHI not in answer.text

    # What it never tells

    async def test_what_is_withheld_looks_like_what_is_not_there(self, served: Served) -> None:
        hidden = {**self.record("2", ADA), "meta": {"security": [{"code": "PSY"}]}}
        without = await self.every(served, CLINICIAN)
        served.source.records[ADA].append(hidden)
        for way, answer in (await self.every(served, CLINICIAN)).items():
            assert _timeless(answer.data) == _timeless(without[way].data), way
        of_none = await self.by_id(served, CLINICIAN, served.id_of(self.holds, "9", ADA))
        of_hidden = await self.by_id(served, CLINICIAN, served.id_of(self.holds, "2", ADA))
        made_up = await self.by_id(served, CLINICIAN, "made up")
        assert of_none.text == of_hidden.text == made_up.text
        assert made_up.codes == [Code.NOT_FOUND]

    async def test_one_call_is_about_all_patients_of_a_request(self, served: Served) -> None:
        for way in self._patient_ways():
            await self.of_patient(served, CLINICIAN, self.ways[way], served.patient(ADA))
            alone = len(served.source.calls)
            served.source.calls.clear()
            both = (served.patient(ADA), served.patient(BEA))
            answer = await self.of_patient(served, CLINICIAN, self.ways[way], *both)
            assert served.id_of(self.holds, "1", BEA) in answer.text
            assert len(served.source.calls) == alone, way
            served.source.calls.clear()

    async def test_a_source_that_is_late_is_told_of_and_nothing_else(self, served: Served) -> None:
        served.source.error = TimedOut(PHI)
        for way, answer in (await self.every(served, CLINICIAN)).items():
            assert PHI not in answer.text, way
            assert answer.codes == [Code.SOURCE_TIMEOUT], way

    async def test_an_unreadable_record_costs_itself_alone(self, served: Served) -> None:
        broken = {**self.record("1", ADA), "id": {"not": "an id"}}
        served.source.records[ADA] = [broken, self.record("2", ADA)]
        for way in self._patient_ways():
            answer = await self.reach(served, way, CLINICIAN)
            assert served.id_of(self.holds, "2", ADA) in answer.text, way

    def _patient_ways(self) -> list[str]:
        return [way for way in self.ways if way.startswith("Patient.")]

    @property
    def _entity(self) -> str:
        return self.entity or self.holds

    def _published(self) -> dict[str, ObjectTypeDefinitionNode]:
        definitions = parse(schema_text(self.name)).definitions
        types = (each for each in definitions if isinstance(each, ObjectTypeDefinitionNode))
        return {type_.name.value: type_ for type_ in types}

    def _field(self, way: str) -> FieldDefinitionNode:
        owner, _, name = way.partition(".")
        fields = self._published()[owner].fields or ()
        return next(field for field in fields if field.name.value == name)


def _directives(node: FieldDefinitionNode | ObjectTypeDefinitionNode) -> set[str]:
    return {each.name.value for each in node.directives or ()}


def undescribed(schema: SubgraphSchema) -> list[str]:
    """The types, fields and arguments that nothing is said about."""
    bare = []
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - as published
        if type_.name.startswith(("_", "link__", "federation__")):
            continue
        if type_.description is None and type_.name != "Query":
            bare.append(type_.name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in type_.fields.items():
                if name.startswith("_"):
                    continue
                parts = {name: field, **_arguments(name, field)}
                bare += [
                    f"{type_.name}.{part}"
                    for part, each in parts.items()
                    if each.description is None
                ]
    return bare


def _arguments(name: str, field: object) -> dict[str, Any]:
    arguments: Mapping[str, Any] = getattr(field, "args", {})
    return {f"{name}({argument})": each for argument, each in arguments.items()}


def _timeless(data: Any) -> Any:
    """An answer without when it was given, and without cursors."""
    if isinstance(data, list):
        return [_timeless(each) for each in data]
    if isinstance(data, dict):
        return {
            name: _timeless(value)
            for name, value in data.items()
            if name not in ("asOf", "receivedAt", "cursor", "endCursor", "startCursor")
        }
    return data
