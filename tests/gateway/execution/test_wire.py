"""JSON through the gateway, digit for digit."""

import pytest

from gateway.execution.client import SubgraphInvalidResponse
from gateway.execution.wire import decode, decode_answer, encode


@pytest.mark.parametrize(
    "number",
    ["72.50", "0.10", "100", "-0.0", "1.0", "12345678901234567890123", "1E+400", "1E-8", "0"],
)
def test_a_number_leaves_as_it_came(number):
    assert encode(decode(f'{{"value":{number}}}')) == f'{{"value":{number}}}'.encode()
    assert encode(decode_answer(f'{{"data":[{number}]}}'.encode()).data) == f"[{number}]".encode()


@pytest.mark.parametrize("number", ["1e5", "1.5E3", "100E-3", "1e-9"])
def test_a_number_in_another_notation_keeps_its_value_and_digits(number):
    [before], [after] = decode(f"[{number}]"), decode(encode(decode(f"[{number}]")))
    assert before.as_tuple() == after.as_tuple()


def test_text_is_left_alone():
    text = '{"a":"\\"\\\\ é € 😀 \\u0000"}'
    assert decode(encode(decode(text))) == decode(text)


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[1", b'"\\ud800"', b"NaN", b"1e99999999999999999999"]
)
def test_what_is_not_json_is_a_value_error(body):
    with pytest.raises(ValueError, match=r"not JSON|utf-8"):
        decode(body)


def test_an_answer_with_only_errors_is_one():
    answer = decode_answer(b'{"errors": [{"message": "x"}], "unknown": 1}')
    assert answer.errors == [{"message": "x"}]


def test_an_answer_with_neither_is_none():
    with pytest.raises(SubgraphInvalidResponse):
        decode_answer(b'{"extensions": {}}')
