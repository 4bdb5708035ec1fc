"""A sender's own delimiters and character set; times, results and events; messages gone wrong."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.connectors.errors import ProtocolViolation, UpstreamError
from subgraphs.connectors.hl7v2.adt import Change
from subgraphs.connectors.hl7v2.documents import read_document
from subgraphs.connectors.hl7v2.message import read_message
from subgraphs.connectors.hl7v2.oru import Code, StructuredNumber
from subgraphs.connectors.hl7v2.times import fhir_time

HEAD = "MSH|^~\\&|LAB|CLINIC|US|HERE|20260102||ORU^R01|C-1|P|2.5.1||||||{charset}"
PID = "PID|1||7^^^CLINIC^MR~8^^^&1.2.3&ISO^PI||Roe^Max^Q||1961||||1 Road^^Town^CA^90000^US||5551234"


def message(*segments, charset="", head=HEAD):
    lines = [head.format(charset=charset), *segments]
    return "\r".join(lines).encode("utf-8" if charset != "8859/1" else "latin-1")


def results(*segments):
    _, document = read_document(message(PID, "OBR|1||F-1|1^Panel^L", *segments))
    return document.reports[0].results


def test_line_ends_and_a_byte_order_mark_make_no_difference():
    plain = message(PID)
    unix, dos = plain.replace(b"\r", b"\n"), plain.replace(b"\r", b"\r\n\r\n")
    read = [read_message(each) for each in (plain, unix, dos, b"\xef\xbb\xbf" + plain + b"\r")]
    assert all(each == read[0] for each in read)
    assert read[0].sender == "LAB|CLINIC"


def test_delimiters_are_the_senders_own():
    swapped = message(PID).decode().translate(str.maketrans("|^~\\&", "#@!$%")).encode()
    pid = read_message(swapped).first("PID")
    assert [each.text() for each in pid.repeats(3)] == ["7", "8"]
    assert pid.text(3, 4) == "CLINIC"
    assert pid.repeats(3)[1].text(4, 2) == "1.2.3"


def test_escapes_are_text_and_no_delimiters():
    (note,) = results("OBX|1|TX|2^^L||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g\\X41\\h||||||F")
    assert note.values == ("a|b^c&d~e\\f\ngAh",)


def test_what_the_parser_cannot_unescape_is_quoted_in_no_log(caplog, capfd):
    (note,) = results("OBX|1|TX|2^^L||Roe \\C2842\\ \\Q\\ \\||||||F")
    assert note.values[0].startswith("Roe")
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_what_is_deleted_or_empty_is_not_there():
    (one,) = results('OBX|1|ST|2^^L||""||||||F')
    assert one.values == ()
    assert read_message(message(PID)).first("PID").text(99) == ""


@pytest.mark.parametrize(
    ("charset", "encoding"), [("", "utf-8"), ("UNICODE UTF-8", "utf-8"), ("8859/1", "latin-1")]
)
def test_the_character_set_is_the_one_named(charset, encoding):
    read = read_message(message("PID|||||Núñez", charset=charset))
    assert read.first("PID").text(5) == "Núñez"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"MSH", id="a head of three letters"),
        pytest.param(b"MSH|^~\\&", id="delimiters alone"),
        pytest.param(b"PID|1", id="no head"),
        pytest.param(b"\x0bMSH|^~\\&|A|B", id="still in its frame"),
        pytest.param(message(PID, charset="GB 18030-2000"), id="a character set not read here"),
        pytest.param(message(PID).replace(b"Roe", b"R\xff"), id="another character set"),
        pytest.param(message("OBR|1||F-1|1^^L"), id="about nobody"),
        pytest.param(message(PID), id="reporting nothing"),
    ],
)
def test_what_is_no_message_is_refused_and_not_quoted(content):
    with pytest.raises((ProtocolViolation, UpstreamError)) as refused:
        read_document(content)
    assert "Roe" not in str(refused.value)


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("1961", "1961"),
        ("196106", "1961-06"),
        ("19610615", "1961-06-15"),
        ("2026010213", "2026-01-02T13:00:00"),
        ("202601021304-0500", "2026-01-02T13:04:00-05:00"),
        ("20260102130405.25+0000", "2026-01-02T13:04:05.25+00:00"),
        ("", None),
        ("20261301", None),
        ("20260230", None),
        ("2026010225", None),
        ("soon", None),
        ("196\u0661", None),
    ],
)
def test_times_are_as_precise_as_they_were_sent(told, written):
    assert fhir_time(told) == written


def test_values_by_their_type():
    read = results(
        "OBX|1|NM|1^^LN||7.10|mg/dL|<8|H~A|||C|||20260102",
        "NTE|1||looked at twice",
        "OBX|2|SN|2^^LN||>^100",
        "OBX|3|SN|3^^LN||^1^:^128",
        "OBX|4|CWE|4^^LN||260415000^not detected^SCT",
        "OBX|5|NM|5^^LN||see note",
        "OBX|6|TS|6^^LN||202601021304",
        "OBX|7|ST|7^^LN|a|one~two",
    )
    assert [each.values for each in read] == [
        (Decimal("7.10"),),
        (StructuredNumber(">", Decimal(100), "", None),),
        (StructuredNumber("", Decimal(1), ":", Decimal(128)),),
        (Code("260415000", "not detected", "SCT"),),
        ("see note",),
        ("2026-01-02T13:04:00",),
        ("one", "two"),
    ]
    first = read[0]
    assert (str(first.values[0]), first.unit, first.flags) == ("7.10", "mg/dL", ("H", "A"))
    assert (first.status, first.observed_at, first.notes) == (
        "C",
        "2026-01-02",
        ("looked at twice",),
    )


ADT = HEAD.replace("ORU^R01", "ADT^{event}")


@pytest.mark.parametrize(
    ("event", "change"),
    [
        ("A01", Change.UPDATE),
        ("A08", Change.UPDATE),
        ("A29", Change.DELETE_PERSON),
        ("A34", Change.MERGE_PERSONS),
        ("A40", Change.MERGE_PERSONS),
        ("A41", Change.MERGE_ACCOUNTS),
        ("A45", Change.MOVE_VISITS),
        ("A47", Change.RENUMBER),
    ],
)
def test_what_an_event_does_to_records(event, change):
    head = ADT.replace("{event}", event)
    _, admission = read_document(message(PID, "MRG|9^^^CLINIC^MR", head=head))
    (record,) = admission.records
    assert admission.change is change
    assert admission.recorded_at == "2026-01-02"
    assert [each.value for each in record.priors[0].identifiers] == ["9"]
    assert record.person.birth_date == "1961"
    assert record.person.phones == ("5551234",)
    assert record.person.addresses[0].city == "Town"
    assert [each.authority for each in record.person.identifiers] == ["CLINIC", "1.2.3"]


@given(st.integers(0, 2**12), st.integers(0, 9), st.binary(max_size=6))
def test_no_damage_gets_past_our_own_errors(place, cut, put):
    content = message(PID, "OBR|1||F-1|1^^L", "OBX|1|NM|1^^LN||7|mg/dL||||F")
    place %= len(content)
    told = ""
    try:
        read_document(content[:place] + put + content[place + cut :])
    except UpstreamError as error:
        told = str(error)
    assert "Roe" not in told
