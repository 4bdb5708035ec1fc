"""One rule for each name makes one header of those of many answers."""

from __future__ import annotations

import pytest

from gateway.execution.response_headers import ResponseHeaders, read_rules

FAILED = None


def merged(rules, *answers, incomplete=False):
    """What the client gets of `name: value` lines, one list for each answer."""
    returned = ResponseHeaders(read_rules(rules))
    returned.incomplete = incomplete
    sinks = [returned.sink() for _ in answers]
    # In whatever order they come back, the order in which they were asked counts.
    for sink, answer in reversed(list(zip(sinks, answers, strict=True))):
        for name, value in answer or ():
            sink.offer(name, value)
        sink.used = answer is not FAILED
    return list(returned.merged())


A, B = (b"x-a", b"1"), (b"x-a", b"2")


@pytest.mark.parametrize(
    ("rule", "answers", "value"),
    [
        ("x-a", [[A], [B], [A]], b"1, 2"),
        ("x-a=append", [[A, B], [(b"x-a", b"1, 2")]], b"1, 2, 1, 2"),
        ("x-a=first", [[], [B], [A]], b"2"),
        ("x-a=last", [[A], [B], [A], []], b"1"),
        ("x-a=last", [[A], FAILED], b"1"),
        ("x-a", [[(b"x-a", b" 1\t")], [A]], b"1"),
        ("x-a", [[(b"x-a", b"caf\xc3\xa9")]], b"caf\xc3\xa9"),
    ],
)
def test_values_are_merged_by_their_rule(rule, answers, value):
    assert merged([rule], *answers) == [(b"x-a", value)]


@pytest.mark.parametrize(
    "value", [b"1\r\nset-cookie: a=b", b"1\n2", b"1\r2", b"1\x002", b"\x7f", b""]
)
def test_what_could_begin_another_header_is_left_out(value):
    assert merged(["x-a"], [(b"x-a", value)]) == []
    assert merged(["x-a"], [(b"x-a", value)], [A]) == [A]


def test_what_is_not_listed_or_not_used_stays_behind():
    returned = ResponseHeaders(read_rules(["x-a"]))
    sink = returned.sink()
    for name, value in ((b"x-b", b"1"), A):
        sink.offer(name, value)
    assert returned.merged() == ()
    sink.used = True
    assert returned.merged() == (A,)


def test_cookies_are_repeated():
    one, other = (b"set-cookie", b"a=1; Expires=Sun, 22 Nov 2026"), (b"set-cookie", b"a=2")
    assert merged(["set-cookie"], [one, other], [one]) == [one, other]


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (["max-age=60"], "private, max-age=60"),
        (["public, max-age=60", "Public, Max-Age=30"], "public, max-age=30"),
        (["public, max-age=60", "private, max-age=90"], "private, max-age=60"),
        (["public, private, max-age=60"], "private, max-age=60"),
        (["public, max-age=60", "public, max-age=60, s-maxage=5"], "public, max-age=5"),
        (["max-age=60, must-revalidate", 'no-cache="x-a"'],
         "private, no-cache, must-revalidate, max-age=0"),
        (["max-age=60", "max-age=soon"], "private, max-age=0"),
        (["max-age=60, max-age=90"], "private, max-age=0"),
        (["immutable, max-age=60, , "], "private, max-age=60"),
        (["public, max-age=60", "No-Store"], "no-store"),
        (["public, max-age=60", None], "no-store"),
        (["public, max-age=60", ""], "no-store"),
        (["public, max-age=60", FAILED], "no-store"),
        ([None], "no-store"),
        ([], "no-store"),
    ],
)  # fmt: skip
def test_an_answer_is_cached_no_further_than_its_parts(answers, value):
    lines = [FAILED if each is None else [(b"cache-control", each.encode())] for each in answers]
    assert merged(["cache-control"], *lines) == [(b"cache-control", value.encode())]


def test_an_answer_that_does_not_say_may_not_be_kept():
    line = (b"cache-control", b"public, max-age=60")
    assert merged(["cache-control"], [line], [A]) == [(b"cache-control", b"no-store")]
    assert merged(["cache-control"], [line], incomplete=True) == [(b"cache-control", b"no-store")]
