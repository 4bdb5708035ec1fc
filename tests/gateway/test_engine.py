"""The engine: its stages in order, what it keeps, and what it does where a stage says no."""

import json
from dataclasses import replace

import pytest
from graphql import parse

from contract.errors import Code
from gateway.engine import Engine, Permitted
from gateway.errors import RequestError
from gateway.execution.faults import fault_of
from gateway.execution.wire import encode
from gateway.federation.supergraph import SupergraphError
from gateway.operation.tree import Field, Operation
from gateway.planning import PlanError
from tests.gateway.federated import keys, visibility
from tests.gateway.federated.kit import Federation

QUERY = 'query ($on: Boolean = true) { patient(mrn: "m1") { name id @include(if: $on) } }'


@pytest.fixture
def federation():
    return Federation(keys.SUITE)


async def run(federation, query=QUERY, variables=None, **how):
    engine = federation.engine
    operation = engine.normalize(parse(query), None)
    return await engine.run(operation, variables or {}, federation.send, **how)


def deny_id(operation: Operation) -> Permitted:
    """As authorization would: the field is gone, and there is a word about it."""
    [patient] = operation.selections
    left = tuple(each for each in patient.selections if each.name != "id")
    permitted = replace(operation, selections=(replace(patient, selections=left),))
    return Permitted(permitted, {("Patient", "id"): fault_of(Code.SCOPE_REQUIRED)})


async def test_an_answer_comes_with_its_plan(federation):
    answer = await run(federation)
    assert answer.data == {"patient": {"name": "Ada", "id": "1"}}
    assert answer.errors == ()
    assert answer.plan is not None


async def test_a_plan_is_made_once(federation, monkeypatch):
    first = await run(federation)
    monkeypatch.setattr("gateway.engine.plan", None)
    again = await run(federation, variables={"on": False})
    assert again.plan is first.plan
    assert again.data == {"patient": {"name": "Ada"}}


LABELS = (frozenset(), frozenset({"percent(5)"}))


async def test_labels_are_part_of_what_is_planned(federation):
    operation = federation.engine.normalize(parse(QUERY), None)
    plans = [federation.engine.plan(operation, labels) for labels in LABELS]
    assert plans[0] is not plans[1]


def test_labels_are_told(federation):
    assert federation.engine.override_labels == frozenset()
    assert Federation(visibility.SUITE).engine.override_labels == {"percent(5)"}


async def test_what_is_refused_is_neither_fetched_nor_shown(federation):
    answer = await run(federation, '{ patient(mrn: "m1") { name id } }', authorize=deny_id)
    assert [name for name, _ in federation.requests] == ["registry"]
    assert answer.data == {"patient": None}
    assert [(e.fault.code, e.path) for e in answer.errors] == [
        ("SCOPE_REQUIRED", ("patient", "id"))
    ]


async def test_one_callers_denials_are_not_anothers(federation):
    query = '{ patient(mrn: "m1") { name id } }'
    await run(federation, query, authorize=deny_id)
    answer = await run(federation, query)
    assert answer.data == {"patient": {"name": "Ada", "id": "1"}}


async def test_where_everything_is_refused_nothing_is_asked(federation):
    fault = fault_of(Code.UNAUTHENTICATED)

    def deny_all(operation: Operation) -> Permitted:
        return Permitted(replace(operation, selections=()), {("Query", "patient"): fault})

    answer = await run(federation, '{ patient(mrn: "m1") { name } }', authorize=deny_all)
    assert federation.requests == []
    assert answer.data == {"patient": None}
    assert [error.path for error in answer.errors] == [("patient",)]


async def test_bad_variables_end_the_request_before_anything_is_fetched(federation):
    with pytest.raises(RequestError) as raised:
        await run(federation, variables={"on": "yes"})
    assert raised.value.code is Code.BAD_USER_INPUT
    assert federation.requests == []


async def test_an_operation_without_a_plan_is_looked_into_once(federation, monkeypatch):
    def no_way(operation, *_):
        planned.append(operation)
        raise PlanError("no way to Patient.name")

    planned = []
    monkeypatch.setattr("gateway.engine.plan", no_way)
    for _ in range(2):
        with pytest.raises(PlanError, match=r"no way to Patient\.name"):
            await run(federation)
    assert len(planned) == 1
    assert federation.requests == []


async def test_introspection_goes_with_data(federation):
    query = '{ __schema { queryType { name } } patient(mrn: "m1") { name } }'
    answer = await run(federation, query)
    assert json.loads(encode(answer.data)) == {
        "__schema": {"queryType": {"name": "Query"}},
        "patient": {"name": "Ada"},
    }


async def test_plans_are_bounded_in_bytes(federation, monkeypatch):
    monkeypatch.setattr("gateway.engine.MAX_PLAN_BYTES", 20_000)
    engine = Engine(federation.engine.supergraph, {})
    operation = engine.normalize(parse(QUERY), None)
    plans = []
    for number in range(10):
        [patient] = operation.selections
        aliased = replace(patient, selections=(Field("Patient", "name", f"n{number}"),))
        one = replace(operation, selections=(aliased,))
        plans.append((one, engine.plan(one, frozenset())))
    kept = [made is engine.plan(one, frozenset()) for one, made in reversed(plans)]
    assert kept[0]
    assert not all(kept)


async def test_closing_closes_every_client(federation):
    closed = []

    class Client:
        async def send(self, *_):
            raise AssertionError

        async def close(self):
            closed.append(self)

    engine = Engine(federation.engine.supergraph, {"a": Client(), "b": Client()})
    await engine.close()
    assert len(closed) == 2


def test_what_is_no_supergraph_is_refused():
    with pytest.raises(SupergraphError):
        Engine.load("type Query { a: Int }", {})
