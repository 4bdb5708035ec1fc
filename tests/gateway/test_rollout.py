"""Fields on their way from one subgraph to another, and who goes along."""

from __future__ import annotations

import pytest

from contract.context import Caller
from gateway.app import create_app
from gateway.asked import Asked
from gateway.authorization.identity import ANONYMOUS, DEVELOPER, Identity
from gateway.documents.request import GraphQLRequest
from gateway.rollout import Rollout
from gateway.settings import Settings, SettingsError, load_settings
from tests.gateway.support.subgraph import LINKS, ScriptedSubgraph

LABELS = {"percent(0)", "percent(12.5)", "percent(100)", "pilot", "forgotten"}
ROLLOUT = Rollout(LABELS, {"pilot": 60.0, "of another schema": 100.0})
CALLERS = [Identity(Caller(subject=f"practitioner-{number}")) for number in range(2_000)]


def share_of(label, rollout=ROLLOUT):
    return sum(label in rollout.labels(caller, "request-1") for caller in CALLERS)


# What the hash makes of these subjects; 250 and 1,200 are what is aimed at.
@pytest.mark.parametrize(
    ("label", "callers"),
    [
        ("percent(0)", 0),
        ("percent(12.5)", 254),
        ("pilot", 1_180),
        ("percent(100)", 2_000),
        ("forgotten", 0),
        ("of another schema", 0),
    ],
)
def test_a_label_is_on_for_its_share_of_the_callers(label, callers):
    assert share_of(label) == callers


def test_a_caller_stays_on_its_side():
    for caller in CALLERS[:50]:
        assert len({ROLLOUT.labels(caller, f"request-{number}") for number in range(20)}) == 1


def test_subjects_of_two_issuers_are_two_callers():
    pairs = [
        [Identity(Caller(subject=str(number), issuer=issuer)) for issuer in ("a", "b")]
        for number in range(50)
    ]
    assert any(ROLLOUT.labels(one) != ROLLOUT.labels(other) for one, other in pairs)


def test_who_is_on_the_new_side_stays_there_when_the_share_grows():
    grown = Rollout({"percent(20)"}, {})
    for caller in CALLERS:
        if "percent(12.5)" in ROLLOUT.labels(caller):
            assert grown.labels(caller) == {"percent(20)"}


@pytest.mark.parametrize("nobody", [ANONYMOUS, DEVELOPER])
def test_where_nobody_is_known_each_request_draws(nobody):
    on = sum("pilot" in ROLLOUT.labels(nobody, f"request-{number}") for number in range(2_000))
    assert 1_100 < on < 1_300
    assert ROLLOUT.labels(nobody) == ROLLOUT.usual == {"percent(100)", "pilot"}


def test_a_hook_decides_about_what_nothing_else_tells():
    asked = []

    def decide(label, identity):
        asked.append(label)
        return identity.caller is not None and identity.caller.subject.endswith("7")

    rollout = Rollout(LABELS, {"pilot": 0.0}, decide)
    assert rollout.labels(CALLERS[7], "request-1") >= {"forgotten", "percent(100)"}
    assert "forgotten" not in rollout.labels(CALLERS[8], "request-1")
    assert "forgotten" not in rollout.labels(ANONYMOUS, "request-1")
    assert set(asked) == {"forgotten"}
    assert "forgotten" not in rollout.usual


def test_without_labels_nothing_is_on():
    assert Rollout((), {"pilot": 100.0}).labels(CALLERS[0], "request-1") == frozenset()


@pytest.mark.parametrize(
    "label",
    ["percent()", "percent(.)", "percent(100.01)", "percent(-1)", "percent(5", "percent(1e1)"],
)
def test_a_label_that_tells_no_share_is_named(label):
    with pytest.raises(SettingsError, match="override label") as raised:
        Rollout({label}, {})
    assert label in str(raised.value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"pilot": 101}, "pilot"),
        ({"pilot": -0.1}, "pilot"),
        ({"pilot": float("nan")}, "pilot"),
        ({"pilot": "often"}, "pilot"),
        ({"pilot": None}, "pilot"),
        ({"percent(5)": 10}, r"percent\(5\)"),
    ],
)
def test_a_share_is_a_percentage(given, name):
    with pytest.raises(SettingsError, match=f"override_labels.*{name}"):
        load_settings(override_labels=given)


def test_shares_come_from_a_variable(monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_OVERRIDE_LABELS", '{"a": true, "b": false, "c": 12.5, "d": 1}')
    assert load_settings().override_labels == {"a": 100.0, "b": 0.0, "c": 12.5, "d": 1.0}


SUPERGRAPH = (
    LINKS.replace("join/v0.3", "join/v0.4")
    .replace("usedOverridden: Boolean)", "usedOverridden: Boolean, overrideLabel: String)")
    .replace("  mutation: Mutation", "")
    + """
type Query @join__type(graph: RECORDS) @join__type(graph: WEATHER) {
  weather: String
    @join__field(graph: RECORDS, usedOverridden: true, overrideLabel: "LABEL")
    @join__field(graph: WEATHER, override: "records", overrideLabel: "LABEL")
}
"""
)
OLD, NEW = "as before", "fine"


@pytest.fixture
def served_with(tmp_path):
    """A gateway, not started yet, whose one field moves from `records` to `weather`."""

    def make(label, decide=None, **given):
        path = tmp_path / "supergraph.graphql"
        path.write_text(SUPERGRAPH.replace("LABEL", label))
        subgraphs = {name: ScriptedSubgraph(name) for name in ("records", "weather")}
        subgraphs["records"].answer = b'{"data":{"weather":"as before"}}'
        settings = Settings(supergraph=path, home=tmp_path, dev=True, **given)
        return create_app(settings, subgraphs, decide_label=decide)

    return make


@pytest.mark.parametrize(
    ("label", "given", "answer"),
    [
        ("percent(0)", {}, OLD),
        ("percent(100)", {}, NEW),
        ("pilot", {}, OLD),
        ("pilot", {"override_labels": {"pilot": True}}, NEW),
        ("pilot", {"decide": lambda *asked: asked == ("pilot", DEVELOPER)}, NEW),
        ("pilot", {"decide": lambda *_: True, "override_labels": {"pilot": False}}, OLD),
    ],
)
async def test_requests_go_where_the_label_says(served_with, label, given, answer):
    app = served_with(label, **given)
    await app.start()
    pipeline, asked = app.assembly.pipeline, Asked(GraphQLRequest("{ weather }"))
    assert answer in (await pipeline.answer(asked, "request-1")).decode()
    explained = await pipeline.explain(asked)
    await app.stop()
    assert f"Fetch({'weather' if answer is NEW else 'records'})" in explained["plan"]


async def test_both_sides_are_planned_for(served_with):
    app = served_with("percent(50)")
    await app.start()
    pipeline, asked = app.assembly.pipeline, Asked(GraphQLRequest("{ weather }"))
    answers = {await pipeline.answer(asked, f"request-{number}") for number in range(20)}
    await app.stop()
    assert answers == {b'{"data":{"weather":"fine"}}', b'{"data":{"weather":"as before"}}'}


async def test_a_schema_whose_label_tells_no_share_is_not_served(served_with):
    with pytest.raises(SettingsError, match=r"percent\(200\)"):
        await served_with("percent(200)").start()
