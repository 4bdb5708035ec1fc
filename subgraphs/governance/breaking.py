"""Breaking the glass: a clinician opens what is closed of a patient, and answers for it.

https://www.ecfr.gov/current/title-45/section-164.312 (a)(2)(ii)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import uuid4

import msgspec
import structlog

from contract.errors import Code
from subgraphs.governance.acting import (
    Intention,
    NotPermittedError,
    StaleError,
    Stopped,
    patient_compartment,
)
from subgraphs.governance.loaders import OFFICER, Governance
from subgraphs.governance.model import Author, BrokenGlass, Review, Verdict
from subgraphs.runtime.consent import EMERGENCY, PATIENT
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import KeyReusedError
from subgraphs.runtime.mutations import Because
from subgraphs.runtime.request import Request

CLINICIAN: Final = "clinician"
MOST: Final = timedelta(hours=4)
MAX_TEXT: Final = 1000
TOPIC: Final = "break-glass"
"""Told of each grant, with its id, when it is taken and when it is reviewed."""
_log = structlog.get_logger(__name__)


class AlreadyReviewedError(Exception):
    pass


async def break_glass(
    request: Request[Governance], intention: Intention, patient: Link, reason: str, minutes: int
) -> BrokenGlass | Stopped:
    """Raises `NotPermittedError`, `ClientError`."""
    access = request.access
    if not access.has_role(CLINICIAN):
        raise NotPermittedError("Only a clinician breaks the glass.")
    if access.caller.purpose != EMERGENCY:
        raise NotPermittedError(f"A token for an emergency ({EMERGENCY}) is missing.")
    said = _text("reason", reason)
    if not 0 < minutes <= MOST.total_seconds() / 60:
        most = int(MOST.total_seconds() / 60)
        raise ClientError(Code.BAD_USER_INPUT, argument="minutes", maximum=most)
    compartment = await patient_compartment(request, patient)
    if not access.may_read(PATIENT, compartment):
        raise ClientError(Code.NOT_FOUND)
    at = request.subgraph.now()
    until = (at + timedelta(minutes=minutes)).timestamp()
    author = Author.of(access.caller)
    draft = BrokenGlass(uuid4().hex, patient, author, said, at.timestamp(), until)
    services = request.services
    try:
        async with services.store.writing() as connection:

            async def effect() -> BrokenGlass:
                await services.store.keep_grant(connection, draft)
                return draft

            grant = await services.idempotency.once(
                connection, intention.asked, at, effect, BrokenGlass
            )
    except KeyReusedError:
        return Stopped(Because.KEY_REUSED)
    access.note_breaking(grant.id)
    await _tell(request, "glass_broken", grant)
    return grant


async def review(
    request: Request[Governance],
    intention: Intention,
    grant: BrokenGlass,
    verdict: Verdict,
    comment: str,
) -> BrokenGlass | Stopped:
    """Raises `NotPermittedError`, `AlreadyReviewedError`, `ClientError`."""
    access, at = request.access, request.subgraph.now()
    if not access.has_role(OFFICER):
        raise NotPermittedError("Only a privacy officer reviews broken glass.")
    author = Author.of(access.caller)
    if (author.issuer, author.subject) == (grant.author.issuer, grant.author.subject):
        raise NotPermittedError("Nobody reviews what they did themselves.")
    reviewed = Review(verdict, _text("comment", comment), at.timestamp(), author)
    services = request.services
    try:
        async with services.store.writing() as connection:

            async def effect() -> BrokenGlass:
                latest = await services.store.grant(connection, grant.id)
                done = _reviewed(latest, intention, reviewed)
                await services.store.keep_grant(connection, done)
                return done

            done = await services.idempotency.once(
                connection, intention.asked, at, effect, BrokenGlass
            )
    except KeyReusedError:
        return Stopped(Because.KEY_REUSED)
    except StaleError:
        return Stopped(Because.STALE)
    await _tell(request, "glass_reviewed", done)
    return done


def _reviewed(latest: BrokenGlass | None, intention: Intention, reviewed: Review) -> BrokenGlass:
    if latest is None or intention.if_match not in (None, str(latest.version)):
        raise StaleError
    if latest.review is not None:
        raise AlreadyReviewedError
    return msgspec.structs.replace(latest, review=reviewed, version=latest.version + 1)


def _text(argument: str, given: str) -> str:
    text = given.strip()
    if not 0 < len(text) <= MAX_TEXT:
        raise ClientError(Code.BAD_USER_INPUT, argument=argument, maximum=MAX_TEXT)
    return text


async def _tell(request: Request[Governance], what: str, grant: BrokenGlass) -> None:
    """Nothing of whom, by whom or why: that is behind the grant, for those who may see it."""
    _log.warning(what, grants=[grant.id], request_id=request.request_id)
    await request.subgraph.events.publish(TOPIC, grant.id.encode())
