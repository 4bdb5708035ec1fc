"""Entity calls whose arguments come from what encloses each entity."""

import pytest

from contract.errors import Code
from gateway.execution.client import SubgraphUnavailable
from gateway.planning.plan import (
    ContextSource,
    ContextVariable,
    EntityCall,
    RequiredField,
    RequiredFragment,
    SequenceNode,
    Template,
    TemplateCall,
)
from tests.gateway.execution.kit import Client, Subgraphs, data, fetch, path, represent, run

CODE = RequiredField("currency", "currency", (RequiredField("code", "code"),))
ABOVE = ContextSource(1, (), (CODE,))
DEFINITION = ("$", ":[_Any!]!,$", "_0:String")
FIELD = ("", ":_entities(representations:$", "){...on Claim{cost(code:$", "_0)}}")
ONE = "_e0:_entities(representations:$_e0){...on Claim{cost(code:$_e0_0)}}"


def in_context(
    *sources, target=("plans", "claims"), type_="String", definitions=(), others=(), **changes
):
    call = EntityCall(
        "_e0",
        "_e0",
        (path(*target),),
        (represent("Claim"),),
        (ContextVariable(type_, sources or (ABOVE,)),),
        apart=True,
    )
    parts = TemplateCall(DEFINITION, FIELD, definitions)
    template = Template("_e", (parts,) * (1 + len(others)))
    return fetch("b", entities=(call, *others), template=template, **changes)


def costs(request):
    """A script that tells each claim's id with the code it was asked for with."""
    variables = request["variables"]
    return data(
        **{
            name: [{"cost": f"{each['id']} {variables[f'{name}_0']}"} for each in value]
            for name, value in variables.items()
            if name.startswith("_e") and not name.endswith("_0")
        }
    )


async def ask(plans, node=None, b=costs):
    subgraphs = Subgraphs({"a": data(plans=plans), "b": b})
    fetched = await run(SequenceNode((fetch("a"), node or in_context())), subgraphs, n=1)
    return fetched, [request for subgraph, request in subgraphs.requests if subgraph == "b"]


def plan(code, *claims, **more):
    return {"currency": code and {"code": code}, "claims": [{"id": id_} for id_ in claims], **more}


def told(fetched):
    return [[claim.get("cost") for claim in each["claims"]] for each in fetched.data["plans"]]


async def test_one_request_has_a_call_for_each_value():
    plans = [plan("USD", "1", "2"), plan("EUR", "1"), plan("USD", "2", "3")]
    fetched, [request] = await ask(plans)
    assert told(fetched) == [["1 USD", "2 USD"], ["1 EUR"], ["2 USD", "3 USD"]]
    two = ONE.replace("_e0", "_e1")
    assert request == {
        "query": f"query($_e0:[_Any!]!,$_e0_0:String,$_e1:[_Any!]!,$_e1_0:String){{{ONE} {two}}}",
        "variables": {
            "_e0": [{"__typename": "Claim", "id": each} for each in "123"],
            "_e0_0": "USD",
            "_e1": [{"__typename": "Claim", "id": "1"}],
            "_e1_0": "EUR",
        },
    }


async def test_the_clients_variables_are_declared_once():
    node = in_context(definitions=("$n:Int",), variables=("n",))
    _, [request] = await ask([plan("USD", "1"), plan("EUR", "1")], node)
    assert request["query"].count("$n:Int") == 1
    assert request["variables"]["n"] == 1


@pytest.mark.parametrize(("type_", "cost"), [("String", "1 None"), ("String!", None)])
async def test_a_null_is_sent_only_where_it_fits(type_, cost):
    fetched, requests = await ask([plan(None, "1")], in_context(type_=type_))
    assert told(fetched) == [[cost]]
    assert len(requests) == (cost is not None)


async def test_what_fits_is_asked_for_beside_what_does_not():
    plans = [plan(None, "1"), plan("EUR", "1")]
    fetched, [request] = await ask(plans, in_context(type_="String!"))
    assert told(fetched) == [[None], ["1 EUR"]]
    assert set(request["variables"]) == {"_e0", "_e0_0"}


async def test_nothing_is_asked_with_a_value_that_was_not_fetched():
    fetched, requests = await ask([{"claims": [{"id": "1"}]}])
    assert told(fetched) == [[None]]
    assert requests == []


async def test_a_value_may_be_a_list():
    lists = ContextSource(1, (), (RequiredField("currencies", "all", CODE.selections),))
    plans = [{"all": [{"code": "x"}, None, {"code": "y"}], "claims": [{"id": "1"}]}]
    fetched, [request] = await ask(plans, in_context(lists))
    assert request["variables"]["_e0_0"] == ["x", None, "y"]
    assert told(fetched) == [["1 ['x', None, 'y']"]]


async def test_the_nearest_of_a_type_that_sets_it():
    inner = ContextSource(1, ("Plan",), (RequiredFragment(("Plan",), (CODE,)),))
    outer = ContextSource(2, (), (RequiredField("code", "code"),))
    node = in_context(inner, outer, target=("plans", "holder", "claims"))
    holders = [
        {"__typename": "Plan", **plan("USD", "1")},
        {"__typename": "Pot", "claims": [{"id": "1"}]},
    ]
    fetched, _ = await ask([{"code": "EUR", "holder": each} for each in holders], node)
    found = [each["holder"]["claims"][0]["cost"] for each in fetched.data["plans"]]
    assert found == ["1 USD", "1 EUR"]


async def test_a_type_without_a_fragment_gives_null():
    source = ContextSource(1, (), (RequiredFragment(("Plan",), (CODE,)),))
    fetched, _ = await ask([plan("USD", "1", __typename="Bot")], in_context(source))
    assert told(fetched) == [["1 None"]]


async def test_what_holds_the_root_gives_it_to_all():
    source = ContextSource(2, (), (RequiredField("locale", "locale"),))
    subgraphs = Subgraphs({"a": data(plans=[plan("USD", "1")], locale="fr"), "b": costs})
    fetched = await run(SequenceNode((fetch("a"), in_context(source))), subgraphs)
    assert told(fetched) == [["1 fr"]]


async def test_an_entitys_error_is_told_where_it_has_the_value():
    def fail(request):
        answer = costs(request)
        answer["data"]["_e1"] = [None]
        return answer | {"errors": [{"message": "no", "path": ["_e1", 0, "cost"]}]}

    fetched, _ = await ask([plan("USD", "1"), plan("EUR", "1")], b=fail)
    assert told(fetched) == [["1 USD"], [None]]
    assert [error.places for error in fetched.errors] == [(("plans", 1, "claims", 0, "cost"),)]


@pytest.mark.parametrize(
    "answer", [{"data": {"_e0": []}}, {"data": {}}, {"data": {"_e0": [{}, {}]}}, b"[", {"data": 1}]
)
async def test_a_wrong_shape_leaves_the_rest(answer):
    fetched, _ = await ask([plan("USD", "1")], b=answer)
    assert told(fetched) == [[None]]
    assert [error.fault.code for error in fetched.errors] == [Code.SUBGRAPH_INVALID_RESPONSE]


async def test_a_fault_is_told_where_a_value_is_missing_for_it():
    rates = fetch(
        "c",
        entities=(
            EntityCall("_entities", "representations", (path("plans"),), (represent("Plan"),)),
        ),
    )
    plans = [{"id": "p", "claims": [{"id": "1"}]}]
    down = SubgraphUnavailable("down")
    subgraphs = Subgraphs({"a": data(plans=plans), "b": costs, "c": down})
    fetched = await run(SequenceNode((fetch("a"), rates, in_context())), subgraphs)
    assert [subgraph for subgraph, _ in subgraphs.requests] == ["a", "c"]
    client = Client.of(
        "type Query { plans: [Plan] } type Plan { claims: [Claim] } type Claim { cost: String }"
    )
    seen, errors = client.project("{ plans { claims { cost } } }", fetched)
    assert seen == {"plans": [{"claims": [{"cost": None}]}]}
    assert errors == [("SUBGRAPH_UNAVAILABLE", ("plans", 0, "claims", 0, "cost"))]
