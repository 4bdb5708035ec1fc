"""What makes two orders, specimens or imaging studies one: the number that their maker gave them.

A report is a document of the source that made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from subgraphs.diagnostics.model import (
    ENTERED_IN_ERROR,
    DiagnosticReport,
    ImagingStudy,
    Media,
    ServiceRequest,
    Specimen,
)
from subgraphs.runtime.fhir import Coding, Identifier, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.scalars import rank

REPORTS: Final[Kind[DiagnosticReport]] = Kind(
    type="DiagnosticReport",
    rank=lambda report: rank(report.effective or report.issued),
    same=lambda _: None,
    tokens=lambda report: {"category": tokens(report.category), "code": tokens([report.code])},
    retracted=lambda report: report.status == ENTERED_IN_ERROR,
    subject=lambda r: subjects(r.code),
    mentions=lambda r: mentions_of(r.code, *r.conclusion_code).union(
        words(r.conclusion), *(words(form.title) for form in r.presented_form)
    ),
)


def _number(identifiers: Iterable[Identifier | None]) -> str | None:
    """The least of the numbers that tell their system: a bare one may be anybody's."""
    known = (f"{n.system}|{n.value}" for n in identifiers if n and n.system and n.value)
    return min(known, default=None)


def _order_mentions(order: ServiceRequest) -> frozenset[str]:
    texts = [order.patient_instruction, *(note.text for note in order.note)]
    texts += [reason.display for reason in order.reason_reference]
    coded = (order.code, *order.category, *order.order_detail, *order.reason_code)
    return mentions_of(*coded).union(*map(words, texts))


def _coded(codings: Iterable[Coding | None]) -> set[str]:
    known = [coding for coding in codings if coding and coding.code]
    return {coding.code or "" for coding in known} | {coding.token for coding in known}


def _study_mentions(study: ImagingStudy) -> frozenset[str]:
    texts = [study.description, *(note.text for note in study.note)]
    texts += [series.description for series in study.series]
    return mentions_of(*study.procedure_code, *study.reason_code).union(*map(words, texts))


ORDERS: Final[Kind[ServiceRequest]] = Kind(
    type="ServiceRequest",
    rank=lambda order: rank(order.authored_on or order.occurrence),
    same=lambda order: _number(order.identifier),
    details=(
        Detail("status", lambda o: o.status),
        Detail("priority", lambda o: o.priority),
    ),
    # What is still to be done must not hide behind a chart that calls it done.
    weight=lambda order: (order.status == "active", order.status == "on-hold"),
    tokens=lambda order: {
        "category": tokens(order.category),
        "code": tokens([order.code]),
        "status": {order.status or ""},
        "intent": {order.intent or ""},
    },
    retracted=lambda order: order.status == ENTERED_IN_ERROR,
    subject=lambda order: subjects(order.code),
    mentions=_order_mentions,
)
SPECIMENS: Final[Kind[Specimen]] = Kind(
    type="Specimen",
    rank=lambda specimen: rank(specimen.collected or specimen.received_time),
    same=lambda specimen: _number([specimen.accession_identifier, *specimen.identifier]),
    details=(Detail("status", lambda s: s.status),),
    tokens=lambda specimen: {"type": tokens([specimen.type])},
    retracted=lambda specimen: specimen.status == ENTERED_IN_ERROR,
    mentions=lambda specimen: mentions_of(specimen.type, *specimen.condition).union(
        *(words(note.text) for note in specimen.note)
    ),
)
STUDIES: Final[Kind[ImagingStudy]] = Kind(
    type="ImagingStudy",
    rank=lambda study: rank(study.started),
    # https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_9: worldwide.
    same=lambda study: study.study_uid,
    details=(
        Detail("status", lambda s: s.status),
        Detail("numberOfInstances", lambda s: s.number_of_instances),
    ),
    weight=lambda study: (study.status == "available", bool(study.endpoint_resource)),
    tokens=lambda study: {
        "status": {study.status or ""},
        "modality": _coded([*study.modality, *(series.modality for series in study.series)]),
    },
    retracted=lambda study: study.status == ENTERED_IN_ERROR,
    mentions=_study_mentions,
)
MEDIA: Final[Kind[Media]] = Kind(
    type="Media",
    rank=lambda media: rank(media.created or media.issued),
    same=lambda media: _number(media.identifier),
    details=(Detail("status", lambda m: m.status),),
    tokens=lambda media: {
        "status": {media.status or ""},
        "type": tokens([media.type]),
        "modality": tokens([media.modality]),
    },
    retracted=lambda media: media.status == ENTERED_IN_ERROR,
    mentions=lambda media: mentions_of(
        *media.reason_code, media.modality, media.view, media.body_site
    ).union(
        words(media.content.title if media.content else None),
        *(words(note.text) for note in media.note),
    ),
)
