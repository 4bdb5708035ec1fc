"""Weights of one's own: used as they are, or refused with what is wrong."""

import msgspec
import pytest

from subgraphs.identity.index.features import extract
from subgraphs.identity.index.matching import CEILINGS, Matcher, Outcome
from subgraphs.identity.index.weights import WeightsError, load_weights, standard_weights
from tests.subgraphs.identity.people import patient


@pytest.fixture
def write(tmp_path):
    def to_file(**changes):
        path = tmp_path / "weights.json"
        weights = msgspec.to_builtins(standard_weights()) | changes
        path.write_bytes(msgspec.json.encode(weights))
        return path

    return to_file


def test_the_standard_ones_have_every_rule():
    assert load_weights(None).rules == tuple(CEILINGS)


def test_rules_and_thresholds_are_those_of_the_file(write):
    twins = extract("north", patient()), extract("south", patient(ssn=None, given="Ida"))
    assert Matcher(load_weights(None)).decide(*twins).outcome is Outcome.APART
    lax = Matcher(load_weights(write(rules=[])))
    assert lax.decide(*twins).outcome is Outcome.LINK
    strict = Matcher(load_weights(write(rules=[], link=1000.0)))
    assert strict.decide(*twins).outcome is Outcome.REVIEW


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"link": "much"}, "holds no weights"),
        ({"fields": {}}, "has no weight for"),
        ({"rules": ["another hat"]}, "knows no rule"),
    ],
)
def test_a_file_that_will_not_do_is_refused(write, changes, complaint):
    with pytest.raises(WeightsError, match=complaint):
        Matcher(load_weights(write(**changes)))


def test_a_file_that_is_absent_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="holds no weights"):
        load_weights(tmp_path / "absent.json")
