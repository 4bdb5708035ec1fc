"""Fields on their way from one subgraph to another, and how many requests go along."""

from __future__ import annotations

import pytest

from gateway.app import create_app
from gateway.documents.request import GraphQLRequest
from gateway.pipeline import Asked
from gateway.rollout import Rollout
from gateway.settings import Settings, SettingsError, load_settings
from tests.gateway.support.subgraph import LINKS, ScriptedSubgraph

LABELS = {"percent(0)", "percent(.)", "percent(12.5)", "percent(100)", "pilot", "forgotten"}


@pytest.mark.parametrize(
    ("thrown", "on"),
    [
        (0.0, {"percent(12.5)", "percent(100)", "pilot"}),
        (0.12, {"percent(12.5)", "percent(100)", "pilot"}),
        (0.13, {"percent(100)", "pilot"}),
        (0.61, {"percent(100)"}),
        (0.999, {"percent(100)"}),
    ],
)
def test_a_label_is_on_for_its_share_of_the_requests(thrown, on):
    assert Rollout(LABELS, {"pilot": 60.0}, lambda: thrown).labels() == on


def test_what_most_requests_meet():
    assert Rollout(LABELS, {"pilot": 60.0}).usual == {"percent(100)", "pilot"}
    assert Rollout((), {}).labels() == frozenset()


def test_a_share_is_a_percentage():
    with pytest.raises(SettingsError, match="override_labels"):
        load_settings(override_labels={"pilot": 101})


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


@pytest.mark.parametrize(
    ("label", "given", "asked"),
    [
        ("percent(0)", {}, "records"),
        ("percent(100)", {}, "weather"),
        ("pilot", {}, "records"),
        ("pilot", {"override_labels": {"pilot": 100.0}}, "weather"),
    ],
)
async def test_requests_go_where_the_label_says(tmp_path, label, given, asked):
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH.replace("LABEL", label))
    subgraphs = {name: ScriptedSubgraph(name) for name in ("records", "weather")}
    subgraphs["records"].answer = b'{"data":{"weather":"as before"}}'
    app = create_app(Settings(supergraph=path, home=tmp_path, dev=True, **given), subgraphs)
    await app.start()
    await app.assembly.pipeline.answer(Asked(GraphQLRequest("{ weather }")), "request-1")
    explained = await app.assembly.pipeline.explain(Asked(GraphQLRequest("{ weather }")))
    await app.stop()
    assert [name for name, each in subgraphs.items() if each.documents] == [asked]
    assert f"Fetch({asked})" in explained["plan"]
