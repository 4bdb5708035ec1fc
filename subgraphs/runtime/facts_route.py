"""The access facts over HTTP, as identity serves them: POST /access-facts, signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec

from contract.context import HEADER, ContextRefusedError, verify_context
from contract.errors import Code
from subgraphs.runtime.access_facts import AUDIENCE, AccessFacts, Facts, Question
from subgraphs.runtime.app import Handler, refuse
from subgraphs.runtime.asgi import Reply


def facts_route(
    facts: AccessFacts, keys: Mapping[str, bytes], clock: Callable[[], float] = time.time
) -> Handler:
    async def answer(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        given = headers.get(HEADER.encode())
        try:
            verify_context(
                given.decode("latin-1") if given is not None else None,
                body=body,
                audience=AUDIENCE,
                keys=keys,
                now=clock(),
            )
        except ContextRefusedError:
            return refuse(Code.CONTEXT_REFUSED)
        try:
            question = msgspec.json.decode(body, type=Question)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return refuse(Code.BAD_REQUEST)
        persons = await facts.persons(question.members)
        return Reply(200, msgspec.json.encode(Facts(tuple(persons.items()))))

    return answer
