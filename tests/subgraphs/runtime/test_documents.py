"""Parsed documents are kept, a bounded number of a bounded length."""

import pytest

from subgraphs.runtime import execution
from subgraphs.runtime.execution import LONG, Documents, Invalid
from tests.subgraphs.runtime.conftest import SCHEMA


def test_a_document_is_parsed_once():
    documents = Documents(SCHEMA)
    assert documents.get("{echo}") is documents.get("{echo}")
    invalid = documents.get("{nothing}")
    assert isinstance(invalid, Invalid)
    assert documents.get("{nothing}") is invalid


def test_a_long_document_is_answered_and_not_kept():
    documents = Documents(SCHEMA)
    text = "{echo}" + " " * LONG
    assert documents.get(text) is not documents.get(text)
    assert not isinstance(documents.get(text), Invalid)


@pytest.mark.parametrize(("used", "kept"), [(False, False), (True, True)])
def test_the_least_recently_used_goes_first(monkeypatch, used, kept):
    monkeypatch.setattr(execution, "MAX_DOCUMENTS", 2)
    documents = Documents(SCHEMA)
    first = documents.get("{a: echo}")
    documents.get("{b: echo}")
    if used:
        documents.get("{a: echo}")
    documents.get("{c: echo}")
    assert (documents.get("{a: echo}") is first) is kept
