"""Reading a supergraph.yaml."""

import pytest

from gateway.composition import SubgraphInput
from gateway.composition.config import ConfigError, read_config

CONFIG = """
federation_version: =2.11.0
subgraphs:
  users:
    routing_url: http://users/graphql
    schema:
      file: ./users.graphql
  reviews:
    schema: {file: nested/reviews.graphql}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "nested").mkdir()
    (tmp_path / "users.graphql").write_text("type Query { user: Int }")
    (tmp_path / "nested" / "reviews.graphql").write_text("type Query { review: Int }")
    return tmp_path


def write(folder, text: str):
    path = folder / "supergraph.yaml"
    path.write_text(text)
    return path


def test_reads_the_files_beside_it(folder):
    assert read_config(write(folder, CONFIG)) == (
        SubgraphInput("users", "http://users/graphql", "type Query { user: Int }"),
        SubgraphInput("reviews", "", "type Query { review: Int }"),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("[" * 10_000, "not YAML|nested"),
        ("- a", "subgraphs"),
        ("subgraphs: [a]", "subgraphs"),
        ("subgraphs: {}", "names no subgraphs"),
        ("subgraphs: {a: {schema: {file: users.graphql}}}\nsubgraph: 1", "unknown settings"),
        ("subgraphs: {1: {schema: {file: users.graphql}}}", "must be a text"),
        ("subgraphs: {a: 1}", "needs a routing_url and a schema"),
        ("subgraphs: {a: {routing_url: 1, schema: {file: users.graphql}}}", "routing_url"),
        ("subgraphs: {a: {schema: users.graphql}}", "needs a schema with a file"),
        ("subgraphs: {a: {schema: {subgraph_url: http://a}}}", "needs a schema with a file"),
        ("subgraphs: {a: {schema: {file: absent.graphql}}}", "No such file"),
        ("subgraphs: {a: {schema: {file: .}}}", "cannot read"),
        ("subgraphs: {a: {schema: {file: binary}}}", "not UTF-8"),
        ("subgraphs: {a: {schema: {file: huge}}}", "too large"),
    ],
)
def test_says_what_is_wrong(folder, text, complaint):
    (folder / "binary").write_bytes(b"\xff\xfe")
    with (folder / "huge").open("wb") as huge:
        huge.truncate(100_000_000)
    with pytest.raises(ConfigError, match=complaint):
        read_config(write(folder, text))


def test_says_that_it_is_absent(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        read_config(tmp_path / "absent.yaml")
