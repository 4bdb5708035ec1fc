"""What makes two documents or two filled forms one: the number that their maker gave them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from subgraphs.records.model import ENTERED_IN_ERROR, DocumentReference, QuestionnaireResponse
from subgraphs.runtime.fhir import CodeableConcept, Identifier, tokens
from subgraphs.runtime.kinds import Detail, Kind, Versions
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.terms.codes import token_of

_LOINC: Final = "http://loinc.org"
_LOINC_CODE: Final = re.compile(r"\d{3,7}-\d")


def _number(identifier: Identifier | None) -> str | None:
    if identifier is None or not identifier.value:
        return None
    return f"{identifier.system or ''}|{identifier.value}"


def _document_mentions(document: DocumentReference) -> frozenset[str]:
    context = document.context
    concepts = [document.type, *document.category, *context.event]
    concepts += [context.practice_setting, context.facility_type]
    titles = [document.description, *(each.attachment.title for each in document.content)]
    return mentions_of(*concepts).union(*map(words, titles))


def _response_mentions(response: QuestionnaireResponse) -> frozenset[str]:
    """What is asked, in words and by the codes that forms put into the ids of their items."""
    asked: frozenset[str] = words(response.form_name) | words(response.questionnaire)
    for _, item in response.walked:
        asked |= words(item.text)
        asked |= {token_of(_LOINC, code) for code in _LOINC_CODE.findall(item.link_id or "")}
        for reply in item.answer:
            asked |= words(reply.value_string)
            if reply.value_coding:
                asked |= mentions_of(CodeableConcept((reply.value_coding,)))
    return asked


def _asked(response: QuestionnaireResponse) -> Iterator[str]:
    form = response.questionnaire or response.form_url
    if form:
        yield form
        yield form.partition("|")[0]


DOCUMENTS: Kind[DocumentReference] = Kind(
    type="DocumentReference",
    rank=lambda document: rank(
        document.date or (document.context.period.start if document.context.period else None)
    ),
    same=lambda document: _number(document.master_identifier),
    details=(
        Detail("status", lambda d: d.status),
        Detail("docStatus", lambda d: d.doc_status),
    ),
    weight=lambda document: (document.status == "current", document.doc_status == "amended"),
    versions=lambda document: Versions(replaces=document.replaces),
    tokens=lambda document: {
        "category": tokens(document.category),
        "type": tokens([document.type]),
        "status": {document.status or ""},
    },
    retracted=lambda document: ENTERED_IN_ERROR in (document.status, document.doc_status),
    mentions=_document_mentions,
)
RESPONSES: Kind[QuestionnaireResponse] = Kind(
    type="QuestionnaireResponse",
    rank=lambda response: rank(response.authored),
    same=lambda response: _number(response.identifier),
    details=(Detail("status", lambda r: r.status),),
    weight=lambda response: (response.status in ("completed", "amended"),),
    tokens=lambda response: {
        "status": {response.status or ""},
        "questionnaire": set(_asked(response)),
    },
    retracted=lambda response: response.status == ENTERED_IN_ERROR,
    mentions=_response_mentions,
)
