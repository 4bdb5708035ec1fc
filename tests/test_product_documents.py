"""The product's own operations: their manifest is current, and the demo's clients may run them."""

from chartgraph.documents import Judge, manifest_of
from gateway.bounds import Limits
from gateway.documents.manifest import read_manifest
from schema import DOCUMENTS, OPERATIONS, SUPERGRAPH


def test_the_manifest_is_current():
    assert DOCUMENTS.read_bytes() == manifest_of(OPERATIONS), "run `make schema`"


def test_a_clinicians_app_may_run_all_of_them():
    judge = Judge(SUPERGRAPH, Limits())
    assert list(judge.problems(read_manifest(DOCUMENTS), frozenset({"user/*.cruds"}))) == []
