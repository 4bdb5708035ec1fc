"""What is told of a relative stands by itself: two brothers are told of alike."""

from __future__ import annotations

from subgraphs.records.model import ENTERED_IN_ERROR, FamilyMemberHistory
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.scalars import rank


def _mentions(history: FamilyMemberHistory) -> frozenset[str]:
    """Also what a relative has: it tells of the patient's own genes, and of her home."""
    named = mentions_of(
        *history.reason_code,
        *(each.code for each in history.condition),
        *(each.outcome for each in history.condition),
    )
    notes = (*history.note, *(note for each in history.condition for note in each.note))
    return named.union(*(words(note.text) for note in notes))


FAMILY: Kind[FamilyMemberHistory] = Kind(
    type="FamilyMemberHistory",
    rank=lambda history: rank(history.date or history.meta.last_updated),
    same=lambda _: None,
    tokens=lambda history: {
        "status": {history.status or ""},
        "relationship": tokens([history.relationship]),
        "code": tokens(each.code for each in history.condition),
    },
    retracted=lambda history: history.status == ENTERED_IN_ERROR,
    mentions=_mentions,
)
