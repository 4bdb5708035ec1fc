"""The published schemas: committed as they are served, composed without complaint, described."""

from pathlib import Path

import pytest
import yaml
from graphql import build_schema, parse, validate

from chartgraph.testing.subgraph import undescribed
from gateway.composition import SubgraphInput, compose
from gateway.federation.supergraph import load_supergraph
from subgraphs.__main__ import main
from subgraphs.catalog import NAMES, schema_of, schema_text

SCHEMA = Path(__file__).parents[2] / "schema"


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_schema_is_the_served_one(name):
    committed = (SCHEMA / "subgraphs" / f"{name}.graphql").read_text()
    assert committed == schema_text(name), "run `python -m subgraphs export`"


def test_export_writes_every_schema(tmp_path):
    main(["export", str(tmp_path)])
    assert {file.stem for file in tmp_path.iterdir()} == set(NAMES)
    build = [build_schema(file.read_text(), assume_valid_sdl=True) for file in tmp_path.iterdir()]
    assert len(build) == len(NAMES)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nobody", "--port", "1"],
        ["records"],
        ["records", "--port", "1", "--host", "0", "--dev"],
    ],
)
def test_refuses_what_it_cannot_serve(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_names_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match=r"sources\.yaml: cannot be read"):
        main(["records", "--port", "1"])


@pytest.fixture(scope="module")
def api_schema():
    config = yaml.safe_load((SCHEMA / "supergraph.yaml").read_text())["subgraphs"]
    assert tuple(config) == NAMES
    inputs = [
        SubgraphInput(name, entry["routing_url"], (SCHEMA / entry["schema"]["file"]).read_text())
        for name, entry in config.items()
    ]
    return load_supergraph(compose(inputs).sdl).api_schema


@pytest.mark.parametrize(
    "file", sorted((SCHEMA / "operations").glob("*.graphql")), ids=lambda file: file.stem
)
def test_the_product_s_operations_are_valid(api_schema, file):
    assert validate(api_schema, parse(file.read_text())) == []


def test_nothing_sealed_is_in_the_api(api_schema):
    assert "links" not in api_schema.type_map["Patient"].fields
    assert "visitKey" not in api_schema.type_map["Appointment"].fields
    for listed in ("Practitioner", "Organization", "Location"):
        assert {"reference", "links"}.isdisjoint(api_schema.type_map[listed].fields)


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_described(name):
    assert undescribed(schema_of(name)) == []
