"""Who is told that a payer has answered: whoever listens for the patient."""

from __future__ import annotations

from typing import Final

import msgspec

from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.events import Events

RESPONSE: Final = "ClaimResponse"


class AnswerNews(msgspec.Struct, frozen=True):
    """That there is an answer, by ids alone: whoever hears of it asks what it says."""

    source: str
    """The payer's FHIR source."""
    patient: str
    answer: str = ""
    claim: str = ""
    """The request's id there; either may be unknown."""


def topic_of(link: Link) -> str:
    return f"authorization:{link.source}/Patient/{link.id}"


def read_news(event: bytes) -> AnswerNews:
    return msgspec.json.decode(event, type=AnswerNews)


async def tell_answer(events: Events, news: AnswerNews) -> None:
    await events.publish(topic_of(Link(news.source, news.patient)), msgspec.json.encode(news))
