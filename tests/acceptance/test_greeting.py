"""What the demo prints can be typed as it stands; what `--closed` closes is closed."""

import json
import os
import re
import subprocess

import pytest

from contract.errors import Code
from tests.plugins.demo import running_demo


def test_the_printed_query_works_as_printed(demo):
    printed = (demo.home / "up.log").read_text()
    (commands,) = re.findall(r"^  (TOKEN=.*\n  curl .*\\\n .*)$", printed, re.MULTILINE)
    outcome = subprocess.run(
        ["bash", "-euc", commands],
        env={**os.environ, "CHARTGRAPH_HOME": str(demo.home)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert len(json.loads(outcome.stdout)["data"]["patients"]["nodes"]) == 3


def test_it_prints_where_to_click(demo):
    printed = (demo.home / "up.log").read_text()
    for address in re.findall(r"^  (?:GraphiQL|Fault panel) +(\S+)", printed, re.MULTILINE):
        page = demo.http.get(address)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    with running_demo(tmp_path_factory.mktemp("closed"), "--closed") as demo:
        yield demo


def test_closed_serves_no_page_and_hands_out_no_tokens(closed):
    for path in ("/", "/graphiql/", "/graphiql/config.json"):
        assert closed.http.get(f"{closed.gateway}{path}").status_code == 404
    for path in ("/demo/token", "/plan"):
        body = {"persona": "clinician", "query": "{ me { subject } }"}
        assert closed.http.post(f"{closed.gateway}{path}", json=body).status_code == 404


def test_closed_answers_nobody_without_a_token(closed):
    for query in ("{ __typename }", "{ __schema { queryType { name } } }"):
        answer = closed.post({"query": query}, persona=None)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == Code.UNAUTHENTICATED


def test_closed_keeps_its_schema_to_itself(closed):
    answer = closed.post({"query": "{ __schema { queryType { name } } }"}).json()
    assert answer["errors"][0]["extensions"]["code"] == Code.INTROSPECTION_DISABLED
    answer = closed.post({"query": "{ patients { nodes { nam } } }"}).json()
    assert "Did you mean" not in str(answer)


def test_closed_takes_no_document_by_get(closed):
    answer = closed.http.get(f"{closed.gateway}/graphql", params={"query": "{ __typename }"})
    assert answer.status_code == 405


def test_closed_answers_who_is_signed_in(closed):
    assert closed.ask("{ me { roles } }") == {"data": {"me": {"roles": ["clinician"]}}}
