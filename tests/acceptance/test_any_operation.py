"""Whatever the public schema allows to be asked: an answer, or errors that a person can act on."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from contract.errors import MEANINGS, Code
from gateway.federation.supergraph import load_supergraph
from schema import SUPERGRAPH

EXAMPLES = int(os.environ.get("CHARTGRAPH_EXAMPLES", "60"))
SCHEMA = load_supergraph(SUPERGRAPH.read_text()).api_schema
SCALARS = {
    name: st.sampled_from(["2026-01-02T10:00:00Z", "2026-01-02", "soon"]).map(nodes.String)
    for name in ("Date", "DateTime", "Decimal")
}
ASKED = {
    "clinician": queries(SCHEMA, custom_scalars=SCALARS),
    "patient": queries(SCHEMA, custom_scalars=SCALARS),
    "steward": mutations(SCHEMA, custom_scalars=SCALARS),
}
NEVER = {Code.INTERNAL, Code.PLAN_FAILED, Code.SUBGRAPH_ERROR, Code.SUBGRAPH_INVALID_RESPONSE}


@pytest.mark.parametrize("persona", ASKED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_operation_is_answered_or_refused_with_a_reason(demo, persona, data):
    document = data.draw(ASKED[persona])
    response = demo.post({"query": document}, persona)
    answer = json.loads(response.content)
    assert response.status_code < 500, response.text
    assert answer.keys() <= {"data", "errors", "extensions"}
    for error in answer.get("errors", ()):
        code = Code(error["extensions"]["code"])
        assert code in MEANINGS.keys() - NEVER
        assert error["message"]
        assert error["extensions"]["mend"]
        assert "Traceback" not in response.text
    assert "data" in answer or response.status_code >= 400 or answer["errors"]
