"""What might do harm is refused before anything is made of it, and nothing is ever quoted."""

from __future__ import annotations

import logging
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.connectors import safe_xml
from subgraphs.connectors.ccda.documents import read_ccda
from subgraphs.connectors.errors import ProtocolViolation, Unsupported
from subgraphs.connectors.safe_xml import MAX_BYTES, MAX_DEPTH, parse_safely
from tests.shared_data import shared_data

DAMAGES = int(os.environ.get("DAMAGED_DOCUMENTS", "15"))
LAUGHS = "".join(f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};">' for n in range(1, 40))
DTD = "document type"
BROKEN = "well-formed"


def name(*parts: str) -> str:
    return "-".join(parts)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<", BROKEN),
        (b"<ClinicalDocument><id>", BROKEN),
        (b"<a>\x00</a>", BROKEN),
        (b"<a>&unknown;</a>", BROKEN),
        (f'<!DOCTYPE a [<!ENTITY l0 "Roe">{LAUGHS}]><a>&l39;</a>'.encode(), DTD),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', DTD),
        (b'<?xml version="1.0"?><!-- > --><?p ?>\n<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x">', DTD),
        ('<!DOCTYPE a [<!ENTITY x "Roe">]><a/>'.encode("utf-16"), DTD),
        (b"<!-- never closed", BROKEN),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "character set"),
        (b'<?xml version="1.0" encoding="utf-8"?><a>\xff</a>', "character set"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "nests"),
        (b"<a>" * 100_000, BROKEN),
        (b"<a>" + b" " * 20 * 1024 * 1024 + b"</a>", "MiB"),
    ],
)
def test_hostile_xml_is_refused(content, told):
    with pytest.raises(ProtocolViolation, match=told) as refused:
        read_ccda(content, name)
    assert "Roe" not in str(refused.value)


def test_what_is_too_large_is_not_even_decoded(monkeypatch):
    monkeypatch.setattr(safe_xml, "_decode", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(ProtocolViolation, match="MiB"):
        parse_safely(b"<" * (MAX_BYTES + 1))


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_the_character_set_it_names_is_its_own(charset):
    text = f'<?xml version="1.0" encoding="{charset}"?><a>Zoë</a>'
    assert parse_safely(text.encode(charset)).text == "Zoë"


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_tells_the_character_set(charset):
    text = '<?xml version="1.0" encoding="UTF-16"?><a>Zoë</a>'
    assert parse_safely(text.encode(charset)).text == "Zoë"


def test_a_comment_about_document_types_is_no_document_type():
    assert parse_safely(b"<!-- <!DOCTYPE a> --><a><!-- <!DOCTYPE --></a>").tag == "a"


@pytest.mark.parametrize(
    "root",
    [
        "<Roe/>",
        '<Bundle xmlns="http://hl7.org/fhir"/>',
        '<ContinuityOfCareRecord xmlns="urn:astm-org:CCR"/>',
        '<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    ],
)
def test_other_kinds_of_xml_are_refused_by_name(root):
    with pytest.raises(Unsupported) as refused:
        read_ccda(root.encode(), name)
    assert "Roe" not in refused.value.name


@pytest.mark.shared_data
def test_nothing_of_a_document_is_printed_or_logged(capfd, caplog):
    caplog.set_level(logging.DEBUG)
    for path in sorted(shared_data("ccda").glob("*.ccda")):
        read_ccda(path.read_bytes(), name)
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


@pytest.mark.shared_data
@settings(max_examples=DAMAGES, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damage_is_read_or_refused(seed):
    """Elements lost, attributes changed, texts swapped: no other error, no reference to nothing."""
    chance = random.Random(seed)
    path = chance.choice(sorted(shared_data("ccda").glob("*.ccda")))
    root = parse_safely(path.read_bytes())
    elements = list(root.iter())
    for element in chance.sample(elements, k=chance.choice((1, 3, 20))):
        parent = element.getparent()
        match chance.randrange(4):
            case 0 if parent is not None:
                parent.remove(element)
            case 1:
                for attribute in list(element.attrib):
                    element.set(attribute, chance.choice(("", "1", "Roe", "2.16", "20149999")))
            case 2:
                element.attrib.clear()
            case _:
                element.text = chance.choice(("", "Roe", "²³", "x" * 10_000))
    check(safe_xml.etree.tostring(root))


@pytest.mark.shared_data
@settings(max_examples=DAMAGES, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_bytes_are_read_or_refused(seed):
    chance = random.Random(seed)
    content = bytearray(shared_data("ccda", "Discharge_Summary.ccda").read_bytes())
    for _ in range(chance.choice((1, 2, 5))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    check(bytes(content[: chance.choice((len(content), chance.randrange(len(content))))]))


def check(content: bytes) -> None:
    try:
        document = read_ccda(content, name)
    except (ProtocolViolation, Unsupported) as refused:
        refusal = str(refused)
        document = None
    if document is None:
        assert "Roe" not in refusal
        return
    ids = {f"{each['resourceType']}/{each['id']}" for each in document.resources}
    assert len(ids) == len(document.resources)
    assert set(led_to(list(document.resources))) <= ids
    assert f"Patient/{document.patient}" in ids


def led_to(value):
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from led_to(each)
