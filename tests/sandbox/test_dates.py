"""https://hl7.org/fhir/R4/search.html#date"""

import math

import pytest

from sandbox.fhir.dates import compare, span, span_of, split_prefix


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024", 366 * 86400),
        ("2023", 365 * 86400),
        ("2024-02", 29 * 86400),
        ("2024-12", 31 * 86400),
        ("2024-02-29", 86400),
        ("2024-02-29T10:00", 60),
        ("2024-02-29T10:00:00Z", 1),
        ("2024-02-29T10:00:00.250Z", 0.001),
    ],
)
def test_a_partial_date_is_an_interval(text, seconds):
    start, end = span(text)
    assert end - start == pytest.approx(seconds, abs=1e-6)


def test_zones_are_brought_together():
    assert span("2024-01-01T00:00:00-06:00") == span("2024-01-01T06:00:00Z")


def test_a_period_may_be_open():
    assert span_of({"start": "2024"}) == (span("2024")[0], math.inf)
    assert span_of({"end": "2024"}) == (-math.inf, span("2024")[1])


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2024-02-30", "yesterday", "2024-1-1", "x2024"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"date|month|day"):
        span(text)


@pytest.mark.parametrize("text", ["ap2024", "xx2024", "", "ge"])
def test_what_is_no_prefix_is_refused(text):
    with pytest.raises(ValueError, match="not a date"):
        split_prefix(text)


@pytest.mark.parametrize(
    ("value", "holding"),
    [
        # against the search value 2024-06
        ("2024-05-31", "ne lt le eb"),
        ("2024-06-15", "eq ge le"),
        ("2024-07-01", "ne gt ge sa"),
        ("2024", "ne gt ge lt le"),  # the whole year begins before and ends after
        ("2024-06", "eq ge le"),
    ],
)
def test_prefixes(value, holding):
    prefixes = ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb")
    found = [p for p in prefixes if compare(p, span(value), span("2024-06"))]
    assert found == [p for p in prefixes if p in holding.split()]
