"""What an EHR keeps that may go to a payer with a request: documents and filled forms.

https://hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-claim.html, supportingInfo
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.connectors.pas.bundles import Entry
from subgraphs.runtime import fhir
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.terms.codes import token_of

DOCUMENT: Final = "DocumentReference"
FORM: Final = "QuestionnaireResponse"
# What a payer sees of each: nothing that leads further into the record.
_TOLD: Final = {
    DOCUMENT: ("status", "docStatus", "type", "category", "date", "description"),
    FORM: ("status", "questionnaire", "authored", "item"),
}
_ATTACHED: Final = ("contentType", "language", "title", "creation")
_LOINC: Final = "http://loinc.org"
_LOINC_CODE: Final = re.compile(r"\d{3,7}-\d")


class Keeper(Protocol):
    """The part of an EHR's server that these questions need."""

    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...

    async def contents(self, urls: Iterable[str]) -> Mapping[str, Binary]: ...


class _Context(fhir.Element, frozen=True):
    event: tuple[fhir.CodeableConcept, ...] = ()


class _Content(fhir.Element, frozen=True):
    attachment: fhir.Attachment = fhir.Attachment()


class _Named(fhir.Resource, frozen=True, kw_only=True):
    """What a decision about a document or a form needs to know."""

    status: str | None = None
    subject: fhir.Reference | None = None
    date: str | None = None
    authored: str | None = None
    type: fhir.CodeableConcept | None = None
    category: tuple[fhir.CodeableConcept, ...] = ()
    context: _Context = _Context()
    description: str | None = None
    security_label: tuple[fhir.CodeableConcept, ...] = ()
    content: tuple[_Content, ...] = ()
    questionnaire: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """One of either. It is as sensitive as its labels and what it says of itself."""

    type: str
    url: str
    wire: Mapping[str, Any]
    named: _Named
    content_labels: frozenset[str] = frozenset()
    """That its source put on the content itself."""
    contents: tuple[bytes, ...] = ()

    @property
    def patient(self) -> str | None:
        return self.named.subject.id_of("Patient") if self.named.subject else None

    @property
    def moment(self) -> str | None:
        return self.named.date or self.named.authored

    @property
    def tokens(self) -> Mapping[str, frozenset[str]]:
        named = self.named
        status = frozenset({named.status or ""})
        if self.type == FORM:
            return {"status": status, "questionnaire": frozenset({named.questionnaire or ""})}
        category, type_ = fhir.tokens(named.category), fhir.tokens([named.type])
        return {"status": status, "category": category, "type": type_}

    @property
    def subjects(self) -> frozenset[str]:
        return fhir.subjects(self.named.type)

    @property
    def security(self) -> tuple[fhir.Coding, ...]:
        own = (coding for label in self.named.security_label for coding in label.coding)
        content = (fhir.Coding(code=code) for code in self.content_labels)
        return (*self.named.meta.security, *own, *content)

    @property
    def mentions(self) -> frozenset[str]:
        named = self.named
        told = mentions_of(named.type, *named.category, *named.context.event)
        titles = (named.description, *(each.attachment.title for each in named.content))
        return told.union(*map(words, titles), *map(_said, self.wire.get("item", ())))

    @property
    def title(self) -> str:
        titles = (each.attachment.title for each in self.named.content)
        told = (self.named.description, *titles, self.named.type and self.named.type.text)
        return next((title for title in told if title), self.type)

    @property
    def size(self) -> int:
        return sum(map(len, self.contents))

    def told_to(self, patient: str) -> Entry:
        """What a payer sees of it, whole: it fetches nothing from the EHR."""
        wire = {name: self.wire[name] for name in _TOLD[self.type] if name in self.wire}
        told = {"resourceType": self.type, "id": self.wire["id"], **wire}
        told["subject"] = {"reference": patient}
        if self.type == DOCUMENT:
            attached = (each.get("attachment", {}) for each in self.wire.get("content", ()))
            told["content"] = [
                {"attachment": {**_plain(each), "data": base64.b64encode(data).decode()}}
                for each, data in zip(attached, self.contents, strict=True)
            ]
        return Entry(self.url, told)


@dataclass(frozen=True, slots=True)
class Papers:
    """One source's. `base` is where it keeps them."""

    base: str
    server: Keeper

    async def paper(self, type_: str, id_: str) -> Paper | None:
        """None for what is not there, or whose content cannot be had from its source."""
        wire = (await self.server.read(type_, [id_])).get(id_)
        if wire is None:
            return None
        try:
            named = msgspec.convert(wire, _Named)
        except msgspec.ValidationError:
            raise ProtocolViolation("a document cannot be read") from None
        url = f"{self.base.rstrip('/')}/{type_}/{id_}"
        if type_ == FORM:
            return Paper(type_, url, wire, named)
        urls = [a.attachment.url for a in named.content if a.attachment.url]
        found = await self.server.contents(urls) if urls else {}
        contents = [_inline(each.attachment, found) for each in named.content]
        whole = tuple(each for each in contents if each is not None)
        if not whole or len(whole) < len(contents):
            return None
        labels = frozenset[str]().union(*(each.labels for each in found.values()))
        return Paper(type_, url, wire, named, labels, whole)


def _inline(wire: fhir.Attachment, found: Mapping[str, Binary]) -> bytes | None:
    if wire.data is None:
        binary = found.get(wire.url or "")
        return binary.data if binary else None
    try:
        return base64.b64decode(wire.data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _plain(attachment: Mapping[str, Any]) -> dict[str, Any]:
    return {name: attachment[name] for name in _ATTACHED if name in attachment}


def _said(item: Mapping[str, Any]) -> frozenset[str]:
    """What an item of a form asks and what was answered, with all that lies within."""
    return frozenset[str]().union(*_parts(item))


def _parts(item: Mapping[str, Any]) -> Iterator[frozenset[str]]:
    yield words(str(item.get("text") or ""))
    yield frozenset(token_of(_LOINC, c) for c in _LOINC_CODE.findall(str(item.get("linkId"))))
    for reply in item.get("answer", ()):
        yield words(str(reply.get("valueString") or ""))
        if "valueCoding" in reply:
            coding = msgspec.convert(reply["valueCoding"], fhir.Coding)
            yield mentions_of(fhir.CodeableConcept((coding,)))
        for each in reply.get("item", ()):
            yield from _parts(each)
    for each in item.get("item", ()):
        yield from _parts(each)
