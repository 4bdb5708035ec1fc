"""Manifests as the build tools of others write them."""

from __future__ import annotations

import json

import pytest

from gateway.documents.manifest import ManifestError, bare, indexed, read_manifest
from gateway.documents.prepare import hash_text

HELLO = "query Hello { hello }"
OPERATION = {"id": "hello-1", "name": "Hello", "type": "query", "body": HELLO}
APOLLO = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [OPERATION]}


def write(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({"hello-1": HELLO}, id="relay-compiler and graphql-codegen"),
        pytest.param({"sha256:hello-1": HELLO}, id="ids with a prefix"),
        pytest.param(APOLLO, id="apollo"),
        pytest.param(APOLLO | {"operations": [OPERATION, OPERATION]}, id="the same twice"),
    ],
)
def test_reads_the_manifests_of_others(tmp_path, manifest):
    assert read_manifest(write(tmp_path, manifest)) == {"hello-1": HELLO}


def test_an_operation_may_be_called_operations(tmp_path):
    assert read_manifest(write(tmp_path, {"operations": HELLO})) == {"operations": HELLO}


def test_every_text_is_found_by_its_hash_too():
    assert indexed({"hello-1": HELLO}) == {"hello-1": HELLO, hash_text(HELLO): HELLO}
    assert bare(f"sha256:{hash_text(HELLO)}") == hash_text(HELLO)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "\x00",
        {"a": 7},
        {"a": None},
        {"": HELLO},
        {"sha256:a": HELLO, "a": "query Other { hello }"},
        APOLLO | {"version": 2},
        APOLLO | {"format": "other"},
        APOLLO | {"operations": {}},
        APOLLO | {"operations": [7]},
        APOLLO | {"operations": [{"id": "a"}]},
        APOLLO | {"operations": [OPERATION, OPERATION | {"body": "{ hello }"}]},
    ],
)
def test_refuses_what_is_no_manifest(tmp_path, content):
    path = write(tmp_path, content)
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    assert str(path) in str(raised.value)


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ManifestError):
        read_manifest(tmp_path / "absent.json")
