"""Costs, budgets and clients as whoever sends requests meets them."""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest
import yaml
from graphql import parse

from contract.errors import Code
from gateway.bounds import Bucket, Budget, Cost
from gateway.composition import SubgraphInput, compose
from gateway.demand.buckets import LocalBuckets
from gateway.demand.demand import Demand
from gateway.demand.till import Account, Till
from gateway.demand.weights import read_weights
from gateway.federation.supergraph import load_supergraph
from gateway.operation.normalize import normalize
from gateway.telemetry import Metrics
from tests.gateway.support.subgraph import SUPERGRAPH

PATIENT = '{ patient(id: "p-1") { id name } }'
ENTRIES = "{ entries { id } }"
LARGE = {"maximum": 1000, "restore_rate": 0.01}


def registry(tmp_path, **clients):
    path = tmp_path / "clients.yaml"
    entries = {
        name.replace("_", "-"): {"name": "A partner", "contact": "a@b.example"} | given
        for name, given in clients.items()
    }
    path.write_text(yaml.safe_dump({"clients": entries}))
    return path


async def test_an_answer_tells_its_cost_where_that_is_wanted(start):
    gateway = await start(dev=True, cost={"show": "everyone"})
    answer = await gateway.ask(ENTRIES)
    assert answer["extensions"] == {"cost": {"requestedQueryCost": 10, "actualQueryCost": 2}}
    assert "extensions" not in (await (await start(dev=True)).ask(ENTRIES))


async def test_only_developers_are_told_where_that_is_wanted(start, issuer):
    gateway = await start(cost={"show": "developers"})
    assert "extensions" not in await gateway.ask(ENTRIES, issuer.token())
    developer = await gateway.ask(ENTRIES, issuer.token(roles=["developer"]))
    assert developer["extensions"]["cost"]["actualQueryCost"] == 2


async def test_an_operation_that_may_cost_too_much_is_refused_with_numbers(start):
    gateway = await start(dev=True, cost={"mode": "enforce", "maximum": 9})
    reply = await gateway.post({"query": ENTRIES})
    assert (reply.status, reply.codes) == (400, [Code.COST_ESTIMATED_TOO_EXPENSIVE])
    (error,) = reply.json["errors"]
    assert error["extensions"]["cost"] == {"requestedQueryCost": 10, "maximum": 9}
    assert "10 points" in error["message"]
    assert gateway.records.documents == []
    assert (await gateway.ask(PATIENT))["data"]["patient"]["id"] == "p-1"


async def test_measured_is_not_refused(start):
    gateway = await start(dev=True, cost={"mode": "measure", "maximum": 1})
    assert "errors" not in await gateway.ask(ENTRIES)
    value = gateway.app.metrics.registry.get_sample_value
    assert value("chartgraph_operation_cost_sum", {"kind": "estimated"}) == 10


async def test_what_is_denied_is_not_paid_for(start, issuer):
    gateway = await start(cost={"show": "everyone"})
    answer = await gateway.ask("{ entries { id } patient(id: 1) { ssn } }", issuer.token())
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 11


async def test_a_budget_is_spent_refunded_and_exhausted(start, issuer):
    gateway = await start(
        cost={"show": "everyone"}, budget={"points": {"maximum": 30, "restore_rate": 0.01}}
    )
    first = await gateway.ask(ENTRIES, issuer.token())
    assert first["extensions"]["cost"] == {
        "requestedQueryCost": 10,
        "actualQueryCost": 2,
        "throttleStatus": {
            "maximumAvailable": 30,
            "currentlyAvailable": 28,
            "restoreRate": 0.01,
        },
    }
    left = []
    for _ in range(10):
        answer = await gateway.ask(ENTRIES, issuer.token())
        left.append(answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"])
    assert left == list(range(26, 6, -2))
    refused = await gateway.post({"query": ENTRIES}, issuer.token())
    assert (refused.status, refused.codes) == (429, [Code.BUDGET_EXCEEDED])
    assert int(refused.headers["retry-after"]) > 100
    other = await gateway.ask(ENTRIES, issuer.token(client_id="another"))
    assert "errors" not in other


async def test_a_request_that_is_refused_later_gets_its_points_back(start, issuer):
    gateway = await start(
        cost={"show": "everyone"}, budget={"points": {"maximum": 10, "restore_rate": 0.01}}
    )
    text = "query($id: ID!) { patient(id: $id) { id } entries { id } }"
    small = "query($id: ID!) { patient(id: $id) { id } }"
    for _ in range(12):
        reply = await gateway.post({"query": small, "variables": {"id": []}}, issuer.token())
        assert reply.codes == [Code.BAD_USER_INPUT]
    reply = await gateway.post({"query": text, "variables": {"id": "p-1"}}, issuer.token())
    assert reply.codes == [Code.COST_ESTIMATED_TOO_EXPENSIVE]
    assert "errors" not in await gateway.ask(ENTRIES, issuer.token())


async def test_replicas_share_a_budget_and_who_was_seen(start, issuer, valkey_url):
    client = f"client-{secrets.token_hex(4)}"
    token = issuer.token(client_id=client)
    given = {
        "redis_url": valkey_url,
        "budget": {"requests": {"maximum": 3, "restore_rate": 0.001}},
    }
    one, other = await start(**given), await start(**given)
    codes = [(await each.post({"query": PATIENT}, token)).codes for each in (one, other) * 2]
    assert codes == [[], [], [], [Code.RATE_LIMITED]]
    await one.app.assembly.parts.uses.flush()
    assert client in await other.app.assembly.parts.uses.last([client])


async def test_without_redis_a_client_is_answered_all_the_same(start, issuer):
    gateway = await start(
        redis_url="redis://127.0.0.1:1",
        budget={"requests": {"maximum": 2, "restore_rate": 0.001}},
    )
    codes = [(await gateway.post({"query": PATIENT}, issuer.token())).codes for _ in range(3)]
    assert codes == [[], [], [Code.RATE_LIMITED]]
    fallbacks = gateway.app.metrics.registry.get_sample_value("chartgraph_budget_fallbacks_total")
    assert fallbacks == 3


async def test_too_many_requests(start, issuer):
    gateway = await start(budget={"requests": {"maximum": 2, "restore_rate": 0.01}})
    for _ in range(2):
        assert "errors" not in await gateway.ask(PATIENT, issuer.token())
    for _ in range(2):
        reply = await gateway.post({"query": PATIENT}, issuer.token())
        assert (reply.status, reply.codes) == (429, [Code.RATE_LIMITED])
        assert int(reply.headers["retry-after"]) >= 1


async def test_nonsense_counts_as_requests(start, issuer):
    gateway = await start(budget={"requests": {"maximum": 3, "restore_rate": 0.01}})
    seen = []
    for number in range(8):
        reply = await gateway.post({"query": f"{{ nothing{number} }}"}, issuer.token())
        seen += reply.codes
        await asyncio.sleep(0)
    assert seen[0] == Code.GRAPHQL_VALIDATION_FAILED
    assert seen[-1] == Code.RATE_LIMITED


async def test_everyone_s_budget(start, issuer):
    gateway = await start(global_budget={"requests": {"maximum": 2, "restore_rate": 0.01}})
    for client in ("a", "b"):
        assert "errors" not in await gateway.ask(PATIENT, issuer.token(client_id=client))
    reply = await gateway.post({"query": PATIENT}, issuer.token(client_id="c"))
    assert reply.codes == [Code.RATE_LIMITED]


@pytest.mark.parametrize(
    ("unknown", "code"),
    [(None, Code.CLIENT_UNKNOWN), ("refuse", Code.CLIENT_UNKNOWN), ("allow", None)],
)
async def test_a_client_that_is_not_registered(start, issuer, tmp_path, unknown, code):
    given = {"unknown_clients": unknown} if unknown else {}
    gateway = await start(clients=registry(tmp_path, partner={}), **given)
    reply = await gateway.post({"query": PATIENT}, issuer.token(client_id="stranger"))
    assert reply.codes == ([code] if code else [])
    assert reply.status == (403 if code else 200)
    assert "errors" not in await gateway.ask(PATIENT, issuer.token(client_id="partner"))


async def test_without_a_registry_everyone_is_let_in(start, issuer):
    gateway = await start()
    assert "errors" not in await gateway.ask(PATIENT, issuer.token(client_id="stranger"))
    closed = await start(unknown_clients="refuse")
    reply = await closed.post({"query": PATIENT}, issuer.token(client_id="stranger"))
    assert reply.codes == [Code.CLIENT_UNKNOWN]


async def test_a_token_s_scopes_end_at_its_client_s(start, issuer, tmp_path):
    gateway = await start(
        clients=registry(
            tmp_path, whole={}, partner={"scopes": ["user/Patient.r"]}, notes={"scopes": ["notes"]}
        )
    )
    text = '{ patient(id: "p-1") { ssn } }'
    token = {"scope": "user/*.rs ssn"}
    whole = await gateway.ask(text, issuer.token(client_id="whole", **token))
    assert whole["data"]["patient"]["ssn"] == "999-12-3456"
    cut = await gateway.ask(text, issuer.token(client_id="partner", **token))
    assert cut["data"]["patient"] == {"ssn": None}
    assert gateway.records.contexts[-1].caller.scopes == ("user/Patient.r",)
    assert (await gateway.ask(text, issuer.token(client_id="notes", **token)))["data"] == {
        "patient": {"ssn": None}
    }
    assert gateway.records.contexts[-1].caller.scopes == ()


async def test_a_client_s_limits_are_its_own(start, issuer, tmp_path):
    gateway = await start(
        clients=registry(
            tmp_path, small={"limits": {"fields": 2}}, large={"limits": {"aliases": 40}}
        )
    )
    aliased = "{ patient(id: 1) {" + " ".join(f"a{n}: id" for n in range(35)) + "} }"

    async def codes(client, text):
        return (await gateway.post({"query": text}, issuer.token(client_id=client))).codes

    for _ in range(2):
        assert await codes("large", aliased) == []
        assert await codes("small", aliased) == [Code.OPERATION_TOO_LARGE]
        assert await codes("large", PATIENT) == []
        assert await codes("small", PATIENT) == [Code.OPERATION_TOO_LARGE]


async def test_a_client_that_may_only_run_what_is_registered(start, issuer, tmp_path):
    (tmp_path / "partner.json").write_text('{"hello": "{ entries { id } }"}')
    documents = {"trusted_only": True, "manifest": "partner.json"}
    gateway = await start(
        clients=registry(tmp_path, partner={"documents": documents}, free={}), closed=False
    )

    async def codes(client, **body):
        return (await gateway.post(body, issuer.token(client_id=client))).codes

    assert await codes("partner", documentId="hello") == []
    assert await codes("partner", query=ENTRIES) == []
    assert await codes("partner", query=PATIENT) == [Code.TRUSTED_DOCUMENT_REQUIRED]
    assert await codes("partner", query="{ __typename }") == [Code.TRUSTED_DOCUMENT_REQUIRED]
    assert await codes("free", query=PATIENT) == []
    assert await codes("free", documentId="hello") == [Code.TRUSTED_DOCUMENT_REQUIRED]


async def test_a_reload_reads_the_registry_anew_and_refuses_a_bad_one(start, issuer, tmp_path):
    path = registry(tmp_path, partner={})
    gateway = await start(clients=path)

    async def codes(client):
        return (await gateway.post({"query": PATIENT}, issuer.token(client_id=client))).codes

    assert (await codes("partner"), await codes("late")) == ([], [Code.CLIENT_UNKNOWN])
    path.write_text("clients: 7")
    await gateway.app.reload()
    assert (await codes("partner"), await codes("late")) == ([], [Code.CLIENT_UNKNOWN])
    registry(tmp_path, late={})
    await gateway.app.reload()
    assert (await codes("partner"), await codes("late")) == ([Code.CLIENT_UNKNOWN], [])


LIST_SIZE = (
    "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],"
    " requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION"
)


async def test_slicing_arguments_are_asked_for_where_costs_are_enforced(start, tmp_path):
    sized = '): [String] @listSize(slicingArguments: ["days"])'
    supergraph = tmp_path / "sized.graphql"
    supergraph.write_text(SUPERGRAPH.replace("days: Int): String", f"days: Int{sized}") + LIST_SIZE)
    gateway = await start(dev=True, supergraph=supergraph, cost={"mode": "enforce"})
    reply = await gateway.post({"query": "{ weather }"})
    assert (reply.status, reply.codes) == (400, [Code.SLICING_ARGUMENT_REQUIRED])
    (error,) = reply.json["errors"]
    assert "Query.weather needs exactly one of its arguments days" in error["message"]


async def test_where_nobody_signs_in_nobody_has_to_be_registered(start, tmp_path):
    gateway = await start(dev=True, clients=registry(tmp_path, partner={}))
    assert "errors" not in await gateway.ask(PATIENT)


async def test_documents_are_planned_by_their_client_s_limits(start, tmp_path, capsys):
    aliased = "{ patient(id: 1) {" + " ".join(f"a{n}: id" for n in range(35)) + "} }"
    (tmp_path / "own.json").write_text(json.dumps({"a": aliased}))
    documents = {"manifest": "own.json"}
    clients = registry(
        tmp_path,
        large={"limits": {"aliases": 40}, "documents": documents},
        small={"documents": documents},
    )
    gateway = await start(clients=clients)
    await gateway.app.assembly._warming
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (refused,) = [each for each in told if each["event"] == "document_cannot_run"]
    assert refused["client_id"] == "small"
    assert [each["count"] for each in told if each["event"] == "documents_planned"] == [1]


async def test_a_subscription_s_events_are_paid_one_by_one():
    operation = normalize(parse("subscription { ticks { id } }"), None, STREAMING.api_schema)
    till = Till(LocalBuckets(lambda: 0.0), Budget())
    demand = Demand(read_weights(STREAMING), Cost(show="everyone"), till, Metrics())
    account = Account("a", Budget(points=Bucket(maximum=100, restore_rate=1)))
    bill = await demand.charge(operation, {}, account)
    assert bill.requested == 1
    for _ in range(3):
        shown = bill.settle({"ticks": {"id": "1"}})
        await till.close()
    assert shown["actualQueryCost"] == 1
    assert (await till.pay(account, 0)).available == 100 - 1 - 3
    bill.release()
    await till.close()
    assert (await till.pay(account, 0)).available == 100 - 3


STREAMING = load_supergraph(
    compose(
        [
            SubgraphInput(
                "a",
                "http://a",
                "type Query { a: Int } type Subscription { ticks: Tick } type Tick { id: ID }",
            )
        ]
    ).sdl
)
