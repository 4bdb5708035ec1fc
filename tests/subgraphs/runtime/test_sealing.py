"""Sealed ids, links and cursors: deterministic, opaque, and nothing but their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.sealing import IdSeal, RecordRef

IDS = IdSeal(b"i" * 32)
WALK = Crosswalk(b"l" * 32)
REF = RecordRef("ehr-a", "Condition", "c-1", "p-1")
SEALED = IDS.seal("records", REF)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="


def test_the_same_record_always_has_the_same_id():
    assert IdSeal(b"i" * 32).seal("records", REF) == SEALED
    assert IDS.open("records", "Condition", SEALED) == REF


def test_an_id_shows_nothing():
    assert not any(part in SEALED for part in ("ehr", "Condition", "c-1", "p-1"))


@pytest.mark.parametrize(
    ("seal", "subgraph", "type_"),
    [
        (IDS, "diagnostics", "Condition"),
        (IDS, "records", "Encounter"),
        (IdSeal(b"j" * 32), "records", "Condition"),
    ],
)
def test_an_id_is_good_for_its_own_subgraph_type_and_key_only(seal, subgraph, type_):
    assert seal.open(subgraph, type_, SEALED) is None


@given(st.integers(0, len(SEALED) - 1), st.sampled_from(ALPHABET))
def test_any_altered_character_is_noticed(at, character):
    altered = SEALED[:at] + character + SEALED[at + 1 :]
    assert (IDS.open("records", "Condition", altered) is None) == (altered != SEALED)


@given(st.text())
def test_any_other_text_opens_to_none(text):
    assert IDS.open("records", "Condition", text) is None
    assert IDS.open_cursor("conditions", text) is None
    assert WALK.open_links("p", text) is None


@pytest.mark.parametrize("altered", [SEALED + "=", SEALED + "A", SEALED[:-1], " " + SEALED])
def test_a_longer_or_shorter_text_is_none(altered):
    assert IDS.open("records", "Condition", altered) is None


def test_links_are_ordered_unique_and_bound_to_their_patient():
    links = [Link("b", "2"), Link("a", "9"), Link("b", "2"), Link("a", "1")]
    sealed = WALK.seal_links("p", links)
    assert sealed == WALK.seal_links("p", reversed(links))
    opened = WALK.open_links("p", sealed)
    assert opened.links == (Link("a", "1"), Link("a", "9"), Link("b", "2"))
    assert opened.born is None
    assert WALK.open_links("p", WALK.seal_links("p", links, "1990-02")).born == "1990-02"
    assert WALK.open_links("q", sealed) is None
    assert isinstance(opened.links[0], Link)


def test_a_cursor_is_good_for_its_own_list_only():
    sealed = IDS.seal_cursor("conditions:p", ("2020-01-01", "id"))
    assert IDS.open_cursor("conditions:p", sealed) == ("2020-01-01", "id")
    assert IDS.open_cursor("conditions:q", sealed) is None
    assert IDS.open("conditions:p", "Condition", sealed) is None
