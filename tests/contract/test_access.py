"""The access report: signed by one subgraph for one request."""

import pytest

from contract.access import AccessReport, Refusal, ReportRefusedError, sign_report, verify_report

KEY = b"k" * 32
REPORT = AccessReport(
    subgraph="records",
    request_id="r-1",
    patients=("p-1", "p-2"),
    refusals=(Refusal(type="Condition", reason="label", patient="p-1"),),
)


def test_a_signed_report_is_read_back_whole():
    text = sign_report(REPORT, KEY)
    assert verify_report(text, subgraph="records", request_id="r-1", key=KEY) == REPORT


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"subgraph": "coverage"}, "another request", id="another subgraph's"),
        pytest.param({"request_id": "r-2"}, "another request", id="replayed"),
        pytest.param({"key": b"o" * 32}, "not signed", id="forged"),
    ],
)
def test_refuses(change, complaint):
    expected = {"subgraph": "records", "request_id": "r-1", "key": KEY, **change}
    with pytest.raises(ReportRefusedError, match=complaint):
        verify_report(sign_report(REPORT, KEY), **expected)


@pytest.mark.parametrize("text", ["", "x", "x.y", "é.é", "e30.e30"])
def test_refuses_what_is_no_report(text):
    with pytest.raises(ReportRefusedError):
        verify_report(text, subgraph="records", request_id="r-1", key=KEY)


def test_a_context_signature_does_not_pass_for_a_report():
    """Both use the subgraph's key; what is signed differs."""
    body, _ = sign_report(REPORT, KEY).split(".")
    from contract.context import _encode, _mac  # noqa: PLC0415 - only this test needs them

    with pytest.raises(ReportRefusedError, match="not signed"):
        verify_report(
            f"{body}.{_encode(_mac(body, KEY))}", subgraph="records", request_id="r-1", key=KEY
        )
