"""Units: UCUM to the letter and exactly, other spellings, analytes, and what never compares."""

from decimal import Decimal
from fractions import Fraction

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.diagnostics.schema.measured import Analyte
from subgraphs.runtime.fhir import Quantity
from subgraphs.runtime.units.analytes import analyte_of, analytes
from subgraphs.runtime.units.quantities import agree, normalized
from subgraphs.runtime.units.ucum import read_unit, read_yaml

KNOWN = analytes()


def amount(value, unit, code=None, comparator=None):
    return Quantity(Decimal(value), comparator, unit, None, code)


def shown(value, unit, analyte, wanted=None, code=None):
    found = normalized(amount(value, unit, code), KNOWN[analyte] if analyte else None, wanted)
    return found and (str(found.value), found.unit)


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        # https://ucum.org/ucum, tables 1 to 7 and 22
        ("mm[Hg]", "kPa", Fraction(133322, 1_000_000)),
        ("[lb_av]", "kg", Fraction("0.45359237")),
        ("[oz_av]", "g", Fraction("28.349523125")),
        ("[ft_i]", "cm", Fraction("30.48")),
        ("[in_i'Hg]", "m[Hg]", Fraction("0.0254")),
        ("10*3/uL", "10*9/L", 1),
        ("10^6/uL", "10*12/L", 1),
        ("m[IU]/L", "u[IU]/mL", 1),
        ("U/L", "nkat/L", Fraction(50, 3)),
        ("mL/min/{1.73_m2}", "mL/min", 1),
        ("mL/min", "mL/s", Fraction(1, 60)),
        ("cal_th", None, None),
        ("kg.m/s2", "N", 1),
        ("/min", "{beats}/min", 1),
        ("g%", "g/dL", 1),
        ("mg/(24.h)", "mg/d", 1),
        ("%", "[ppth]", 10),
        ("a", "d", Fraction("365.25")),
    ],
)
def test_ucum_exactly(one, other, factor):
    unit, wanted = read_unit(one), read_unit(other) if other else None
    if other is None:
        assert unit is None
    else:
        assert unit.to(wanted, Fraction(1)) == factor


@pytest.mark.parametrize(
    "text",
    ["", " ", "mg / dL", "MG/DL", "mg/", "/", "mg//dL", "(mg", "mg)", "{", "[degF]/min", "Cel2",
     "mg-dL", "0", "0.mg", "Xyz", "[xyz]", "m[", "µg", "kkg", "k%", "m" * 61, "((((mg",
     "Cel.m", "10*9999"],
)  # fmt: skip
def test_what_is_no_ucum_is_none(text):
    assert read_unit(text) is None


@given(st.text(alphabet="mgdLkulP/.(){}[]10*^%-3'_ HCe", max_size=20))
def test_any_text_is_a_unit_or_none(text):
    unit = read_unit(text)
    assert unit is None or unit.factor > 0


def test_an_amount_of_substance_is_no_number():
    assert not read_unit("mol").compared_with(read_unit("1"))
    assert not read_unit("[IU]/L").compared_with(read_unit("g/L"))


@pytest.mark.parametrize(
    ("value", "unit", "analyte", "expected"),
    [
        ("53", "mmol/mol", "a1c", ("7.0", "%")),
        ("48", "mmol/mol", "a1c", ("6.5", "%")),
        ("20", "mmol/mol", "a1c", ("4.0", "%")),
        ("140", "mmol/mol", "a1c", ("15.0", "%")),
        ("2.59", "mmol/L", "ldl", ("100", "mg/dL")),
        ("3.36", "mmol/L", "ldl", ("130", "mg/dL")),
        ("5.5", "mmol/L", "glucose", ("99", "mg/dL")),
        ("7.0", "mmol/L", "glucose", ("126", "mg/dL")),
        ("1.70", "mmol/L", "triglycerides", ("151", "mg/dL")),
        ("88.4", "umol/L", "creatinine", ("1.00", "mg/dL")),
        ("88.4", "\N{MICRO SIGN}mol/L", "creatinine", ("1.00", "mg/dL")),
        ("88.4", "\N{GREEK SMALL LETTER MU}mol/L", "creatinine", ("1.00", "mg/dL")),
        ("17.1", "umol/L", "bilirubin", ("1.0", "mg/dL")),
        ("2.50", "mmol/L", "calcium", ("10.0", "mg/dL")),
        ("5.0", "mEq/L", "calcium", ("10.0", "mg/dL")),
        ("140", "mEq/L", "sodium", ("140", "mmol/L")),
        ("7.1", "mmol/L", "urea-nitrogen", ("20", "mg/dL")),
        ("8.7", "mmol/L", "hemoglobin", ("14.0", "g/dL")),
        ("140", "g/L", "hemoglobin", ("14.0", "g/dL")),
        ("1.5", "mL/s/{1.73_m2}", "egfr", ("90", "mL/min/{1.73_m2}")),
        ("98.6", "F", "temperature", ("37.0", "Cel")),
        ("310.15", "K", "temperature", ("37.0", "Cel")),
        ("-40", "[degF]", "temperature", ("-40.0", "Cel")),
        ("154.3", "lbs", "weight", ("70.0", "kg")),
        ("70", "in", "height", ("177.8", "cm")),
        ("16.0", "kPa", "systolic", ("120", "mm[Hg]")),
        ("120", "mm Hg", "systolic", ("120", "mm[Hg]")),
        ("7.1", "K/uL", "leukocytes", ("7.1", "10*3/uL")),
        ("2.1", "uIU/mL", "tsh", ("2.1", "m[IU]/L")),
    ],
)
def test_each_analyte_in_its_own_unit(value, unit, analyte, expected):
    assert shown(value, unit, analyte) == expected


@pytest.mark.parametrize("unit", ["mg/dL", "mg/dl", "MG/DL", "Mg/dL", " mg / dl", "mg%", "MGS/DL"])
def test_what_is_in_the_unit_already_stays_digit_for_digit(unit):
    assert shown("100.50", unit, "ldl") == ("100.50", "mg/dL")


@pytest.mark.parametrize(
    ("value", "unit", "analyte"),
    [
        ("70", "mmol/mol", "ldl"),
        ("0.07", "1", "a1c"),
        ("7", "g/dL", "a1c"),
        ("7", "mmol/L", "a1c"),
        ("100", "U/L", "ldl"),
        ("100", "arb", "ldl"),
        ("100", None, "ldl"),
        ("100", "", "ldl"),
        ("5", "mmol/L", "tsh"),
        ("NaN", "mg/dL", "ldl"),
        ("Infinity", "mg/dL", "ldl"),
        ("1e999", "mg/dL", "ldl"),
        ("1", "mg/dL", None),
    ],
)
def test_what_cannot_be_said_in_it_is_none(value, unit, analyte):
    assert shown(value, unit, analyte) is None


def test_percent_of_a1c_is_no_thousandth():
    """UCUM knows a factor of ten between the two ratios; the two scales of A1c have none."""
    assert shown("7.0", "%", "a1c", "mmol/mol") == ("53.0", "mmol/mol")
    assert shown("7.0", "%", None, "mmol/mol") == ("70.0", "mmol/mol")


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        ("100", "mg/dL", "mmol/L", "2.59"),
        ("100", "mg/dL", "g/L", "1.00"),
        ("100.5", "mg/dL", "mmol/L", "2.599"),
        ("0.012", "mg/dL", "ug/dL", "12.0"),
        ("123456", "mg/dL", "g/L", "1234.56"),
    ],
)
def test_in_another_unit_with_the_digits_that_were_sent(value, unit, wanted, expected):
    assert shown(value, unit, "ldl", wanted) == (expected, wanted)


def test_the_code_decides_and_the_comparator_stays():
    found = normalized(amount("60", "whatever", "mL/min/{1.73_m2}", ">"), KNOWN["egfr"])
    assert (str(found.value), found.comparator, found.code) == ("60", ">", "mL/min/{1.73_m2}")
    assert shown("98.6", "degrees", "temperature", code="[degF]") == ("37.0", "Cel")
    assert shown("98.6", "degrees", "temperature", code="F") == ("37.0", "Cel")


@pytest.mark.parametrize(
    ("one", "other", "analyte", "same"),
    [
        (("100", "mg/dL"), ("2.59", "mmol/L"), "ldl", True),
        (("100", "mg/dL"), ("2.56", "mmol/L"), "ldl", False),
        (("7.0", "%"), ("53", "mmol/mol"), "a1c", True),
        (("7.4", "%"), ("53", "mmol/mol"), "a1c", False),
        (("100", "mg/dL"), ("100", "MG/DL"), "ldl", True),
        (("100", "mg/dL"), ("101", "MG/DL"), "ldl", False),
        (("100", "mg/dL"), ("100.0", "mg/dL"), "ldl", True),
        (("100", "arb"), ("100", "arb"), "ldl", True),
        (("100", "arb"), ("100", "mg/dL"), "ldl", None),
        (("98.6", "F"), ("37.0", "Cel"), "temperature", True),
    ],
)
def test_amounts_agree_as_far_as_their_digits_go(one, other, analyte, same):
    assert agree(amount(*one), amount(*other), KNOWN[analyte]) is same
    assert agree(amount(*other), amount(*one), KNOWN[analyte]) is same


def test_less_than_is_not_equal():
    assert agree(amount("5", "mg/dL", comparator="<"), amount("5", "mg/dL"), None) is False


@given(st.sampled_from(sorted(KNOWN)), st.decimals(-999, 999, places=2))
def test_there_and_back_is_exact(id_, value):
    analyte = KNOWN[id_]
    units = ["mmol/L", "mg/dL", "mmol/mol", "kPa", "[degF]", "[lb_av]", "[in_i]", "mol/L"]
    for unit in map(read_unit, units):
        there = analyte.convert(Fraction(value), analyte.own, unit)
        if there is not None:
            assert analyte.convert(there, unit, analyte.own) == Fraction(value)


def test_the_tables_are_of_one_piece():
    spellings = read_yaml("spellings.yaml")
    assert all(read_unit(unit) for unit in spellings.values())
    assert all(spelled == "".join(spelled.split()).lower() for spelled in spellings)
    assert all(analyte.own for analyte in KNOWN.values())
    codes = [code for analyte in KNOWN.values() for code in analyte.codes]
    assert len(codes) == len(set(codes))
    assert {str(analyte.value) for analyte in Analyte} == KNOWN.keys()
    assert analyte_of(["urn:x|1", "http://loinc.org|13457-7"]) is KNOWN["ldl"]
    assert analyte_of([]) is None


def test_no_number_of_the_tables_was_ever_a_float():
    def scalars(node):
        if isinstance(node, dict):
            for value in node.values():
                yield from scalars(value)
        elif isinstance(node, list):
            for value in node:
                yield from scalars(value)
        else:
            yield node

    for name in ("ucum.yaml", "analytes.yaml", "spellings.yaml"):
        assert all(isinstance(scalar, str) for scalar in scalars(read_yaml(name)))
    assert isinstance(yaml.safe_load("1.5"), float)  # which is why they are read as text
