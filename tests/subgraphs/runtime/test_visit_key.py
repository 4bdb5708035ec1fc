"""The key by which an appointment finds its video visit."""

from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.visit_key import VisitKey, VisitKeys

KEYS = VisitKeys(b"k" * 32)
KEY = VisitKey("v1", "ada", (Link("ehr-a", "e-ada"),), (Link("ehr-a", "dr"),))


def test_opens_for_its_own_appointment_only():
    sealed = KEYS.seal("a1", KEY)
    assert KEYS.open("a1", sealed) == KEY
    assert KEYS.open("a2", sealed) is None
    assert KEYS.open("a1", sealed[:-2]) is None
    assert VisitKeys(b"x" * 32).open("a1", sealed) is None


def test_tells_nothing():
    assert "v1" not in KEYS.seal("a1", KEY)
