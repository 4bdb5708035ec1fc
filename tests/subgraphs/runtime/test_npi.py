"""National Provider Identifiers: the check digit, and which of several counts."""

import pytest

from subgraphs.runtime.fhir import Identifier
from subgraphs.runtime.npi import NPI, is_npi, npi_of

VALID, OTHER = "1234567893", "1245319599"


@pytest.mark.parametrize("number", [VALID, OTHER, "2000000010"])
def test_the_check_digit_is_luhn_s_over_80840(number):
    assert is_npi(number) is (sum(_weights("80840" + number)) % 10 == 0)


def _weights(digits):
    """Luhn's rule as ISO/IEC 7812 tells it: from the right, every second digit doubled."""
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        yield doubled - 9 if doubled > 9 else doubled


def test_cms_own_example_is_valid_and_every_slip_of_one_digit_is_noticed():
    assert is_npi(VALID)
    for place in range(10):
        for digit in "0123456789":
            slipped = VALID[:place] + digit + VALID[place + 1 :]
            assert is_npi(slipped) is (slipped == VALID)


FULL_WIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in VALID)


@pytest.mark.parametrize(
    "text",
    ["", "123456789", "12345678933", "3234567893", "123456789x", FULL_WIDTH, f" {VALID}"],
)
def test_what_has_another_form_is_none(text):
    assert not is_npi(text)


def identified(value, system=NPI, **more):
    return Identifier(system=system, value=value, **more)


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ([identified(VALID)], VALID),
        ([identified(VALID, "urn:oid:2.16.840.1.113883.4.6")], VALID),
        ([identified(f" {VALID} ")], VALID),
        ([identified(VALID), identified(VALID)], VALID),
        ([identified(VALID), identified("510")], VALID),
        ([identified(OTHER, use="old"), identified(VALID)], VALID),
        ([identified(VALID, "https://elsewhere.example")], None),
        ([identified("1234567890")], None),
        ([identified(None)], None),
        ([identified(VALID), identified(OTHER)], None),
        ([], None),
    ],
)
def test_one_valid_number_counts_and_of_two_none(identifiers, expected):
    assert npi_of(identifiers) == expected
