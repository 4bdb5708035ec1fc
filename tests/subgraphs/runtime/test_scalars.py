"""Dates and decimals, exactly as recorded."""

from decimal import Decimal

import pytest

from subgraphs.runtime.scalars import instant, rank


def test_ranks_sort_like_moments_whatever_their_precision_and_offset():
    moments = ["2013-12-31T23:30:00-05:00", "2014", "2014-01-01T09:00:00Z", "2014-05", "2015-01-01"]
    # The first one is 04:30 on New Year's Day in UTC.
    assert sorted(moments, key=rank) == [moments[1], moments[0], *moments[2:]]


@pytest.mark.parametrize("text", [None, "", "soon", "2014-13", "9999-12-31T23:00:00-05:00"])
def test_what_is_no_moment_ranks_before_all(text):
    assert rank(text) == ""


def test_a_leap_second_is_a_moment():
    assert instant("2016-12-31T23:59:60Z") == instant("2016-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("2014", True),
        ("2014-05", True),
        ("2014-05-25", True),
        ("2014-05-25T09:30:00+02:00", True),
        ("2014-05-25T09:30:00.123Z", True),
        ("2014-05-25T09:30:00", False),
        ("2014-02-30", False),
        ("2014-05-25T24:30:00Z", False),
        ("0001-01-01T00:00:00+14:00", False),  # before the first moment there is
        ("25.5.2014", False),
        ("", False),
    ],
)
async def test_accepts_fhir_s_date_times_only(notes, text, accepted):
    answer = await notes.ask("query($on:DateTime){echo(on:$on)}", on=text)
    if accepted:
        assert answer["data"]["echo"] == f"{text} 1"
    else:
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_decimals_keep_their_zeros():
    assert str(Decimal("72.50")) == "72.50"
