"""The access facts over HTTP: POST /access-facts at identity, /directives at governance, signed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec

from contract.context import HEADER, ContextRefusedError, verify_context
from contract.errors import Code
from subgraphs.runtime.access_facts import AUDIENCE, Facts, Persons, Question
from subgraphs.runtime.app import Handler, refuse
from subgraphs.runtime.asgi import Reply
from subgraphs.runtime.directives import DirectiveSource, Standing
from subgraphs.runtime.directives import Question as DirectivesQuestion

QuestionT = TypeVar("QuestionT", bound=msgspec.Struct)


def facts_route(
    facts: Persons, keys: Mapping[str, bytes], clock: Callable[[], float] = time.time
) -> Handler:
    async def answer(question: Question) -> Facts:
        persons = await facts.persons(question.members)
        return Facts(tuple(persons.items()))

    return _signed_route(Question, answer, keys, clock)


def directives_route(
    directives: DirectiveSource, keys: Mapping[str, bytes], clock: Callable[[], float] = time.time
) -> Handler:
    async def answer(question: DirectivesQuestion) -> Standing:
        return await directives.look_up(question.link_sets)

    return _signed_route(DirectivesQuestion, answer, keys, clock)


def _signed_route(
    type_: type[QuestionT],
    answer: Callable[[QuestionT], Awaitable[msgspec.Struct]],
    keys: Mapping[str, bytes],
    clock: Callable[[], float],
) -> Handler:
    async def reply(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
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
            question = msgspec.json.decode(body, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return refuse(Code.BAD_REQUEST)
        return Reply(200, msgspec.json.encode(await answer(question)))

    return reply
