"""Whatever is sent, there is an answer: nothing below may raise."""

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.edi import ADA, inquiry, post, subscriber

tried = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
words = st.sampled_from(
    ["Patient", "Observation", "_search", "_page", "metadata", "SearchParameter", "", "..", "%2F"]
)
names = st.sampled_from(
    ["_id", "_count", "_sort", "_include", "_revinclude", "date", "code", "patient", "name", "x"]
)
modifiers = st.sampled_from(["", ":", ":not", ":missing", ":exact", ":Patient", ":x"])
texts = st.text(max_size=12) | st.sampled_from(
    ["9" * 5000, "-1", "0000", "9999", "ge9999-12-31", "|", ",", "\\,", "Observation:", ":", "true"]
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    path=st.lists(words, max_size=3),
    query=st.lists(st.tuples(names, modifiers, texts), max_size=3),
    body=st.binary(max_size=20) | st.sampled_from([b"[]", b"{}", b"null", b'{"entry":[1]}']),
)
@tried
def test_a_fhir_server_has_an_answer(ehr_a, method, path, query, body):
    pairs = [(name + modifier, text) for name, modifier, text in query]
    address = "/".join(path) + "?" + urlencode(pairs, errors="replace")
    answer = ehr_a.ask(method, address, body, token="writer")
    assert answer.status < 500
    assert answer.body


@given(url=texts | st.sampled_from(["http://[", "//x", "?", "Patient/1?_count=x"]), body=texts)
@tried
def test_a_batch_entry_has_an_answer(ehr_a, url, body):
    entry = {"request": {"method": "GET", "url": url}, "resource": body}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    assert ehr_a.ask("POST", "", batch).status == 200


WHOLE = inquiry(subscriber(3, ADA.member_id, "DMG*D8*19700504", "EQ*30"))
SEGMENTS = WHOLE.rstrip("~").split("~")


def recounted(segments):
    """So that it is not the count alone that gives the loss away."""
    text = "".join(f"{segment}~" for segment in segments)
    return text.replace(f"SE*{len(SEGMENTS) - 4}*", f"SE*{len(segments) - 4}*")


@given(data=st.data())
@tried
def test_eligibility_has_an_answer_to_a_270_with_segments_lost(eligibility, data):
    lost = data.draw(st.sets(st.integers(0, len(SEGMENTS) - 1), min_size=1, max_size=4))
    kept = [segment for place, segment in enumerate(SEGMENTS) if place not in lost]
    assert post(eligibility, recounted(kept)).status in (200, 400)


@given(cut=st.integers(0, len(WHOLE)), put=st.text(alphabet="*~:^AB1\n", max_size=3))
@tried
def test_eligibility_has_an_answer_to_a_270_with_something_put_in(eligibility, cut, put):
    assert post(eligibility, WHOLE[:cut] + put + WHOLE[cut:]).status in (200, 400)


@pytest.mark.parametrize("without", ["NM1*PR", "NM1*1P", "NM1*IL"])
def test_a_level_without_a_name_is_malformed(eligibility, without):
    kept = [segment for segment in SEGMENTS if not segment.startswith(without)]
    assert post(eligibility, recounted(kept)).body == b"a level does not say who it is about"
