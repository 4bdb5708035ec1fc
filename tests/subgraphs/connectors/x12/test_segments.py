"""Interchanges that are whole, and the many ways in which they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.segments import read_interchange
from tests.shared_data import shared_data
from tests.subgraphs.connectors.x12.payer import interchange

GOOD = interchange([["BHT*0022*11*R*20260101*1200", "HL*1**20*1"]])


def test_reads_what_partners_send():
    (one,) = read_interchange(GOOD)
    assert (one.kind, [s.name for s in one.body]) == ("271", ["BHT", "HL"])
    assert one.body[0].element(3) == "R"
    assert one.body[0].element(99) == ""


@pytest.mark.shared_data
@pytest.mark.parametrize("kind", ["270", "271"])
def test_reads_real_interchanges(kind):
    files = sorted(shared_data("x12", "lfh", f"{kind}_005010X279A1").iterdir())
    assert len(files) == 2
    for file in files:
        (one,) = read_interchange(file.read_bytes())
        assert one.kind == kind


def test_delimiters_are_the_interchanges_own():
    text = GOOD.decode().replace("*", "|").replace("~\r\n", "'").replace("^", "!")
    (one,) = read_interchange(text.replace("HL|1||20|1", "EB|1|a!b|30!98").encode())
    assert one.body[1].repeats(3) == ("30", "98")
    assert one.body[1].repeats(2) == ("a", "b")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("IEA*1*000000007~", "", id="no IEA"),
        pytest.param("IEA*1*000000007", "IEA*1*000000008", id="IEA of another interchange"),
        pytest.param("IEA*1", "IEA*2", id="IEA counts more groups"),
        pytest.param("GE*1*7~", "", id="no GE"),
        pytest.param("GE*1*7", "GE*1*8", id="GE of another group"),
        pytest.param("GE*1*7", "GE*2*7", id="GE counts more sets"),
        pytest.param("SE*4*0001~", "", id="no SE"),
        pytest.param("SE*4*0001", "SE*4*0002", id="SE of another set"),
        pytest.param("SE*4", "SE*5", id="SE counts more segments"),
        pytest.param("HL*1**20*1~", "", id="a segment lost"),
        pytest.param("GS*HB", "XX*HB", id="no GS"),
        pytest.param("ISA*00", "ISB*00", id="no ISA"),
        pytest.param("ISA*00*  ", "ISA*00*", id="ISA of the wrong widths"),
    ],
)
def test_refuses_what_is_not_whole(old, new):
    text = GOOD.decode()
    assert old in text
    with pytest.raises(ProtocolViolation):
        read_interchange(text.replace(old, new).encode())


@pytest.mark.parametrize(
    "content", [b"", b"ISA", b"ISA*", b"\xff\xfe", b"<html>", b"ISA" + b"*" * 200]
)
def test_refuses_what_is_none(content):
    with pytest.raises(ProtocolViolation):
        read_interchange(content)


@given(st.integers(min_value=0, max_value=len(GOOD) - 4))
def test_refuses_every_truncation(length):
    # The last three octets are the terminator and the line break, which may be absent.
    with pytest.raises(ProtocolViolation):
        read_interchange(GOOD[:length])


@given(st.integers(min_value=0, max_value=len(GOOD) - 1), st.binary(max_size=3))
def test_never_fails_in_another_way(place, noise):
    try:
        read_interchange(GOOD[:place] + noise + GOOD[place + 1 :])
    except ProtocolViolation:
        return
