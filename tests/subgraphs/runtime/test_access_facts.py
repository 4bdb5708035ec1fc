"""The access facts over HTTP: signed, and failing closed."""

import httpx2
import msgspec
import pytest

from contract.context import HEADER, verify_context
from subgraphs.runtime.access_facts import (
    AUDIENCE,
    Facts,
    HttpPersons,
    Person,
    Question,
    SignedCalls,
)
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError

KEY = b"f" * 32
ADA = Person("ada", (Link("north", "1"), Link("south", "2")))


def facts(respond) -> HttpPersons:
    client = httpx2.AsyncClient(base_url="http://identity", transport=httpx2.MockTransport(respond))
    return HttpPersons(SignedCalls(client, KEY, now=lambda: 1000.0))


async def test_asks_with_a_signature_over_the_question():
    def respond(request):
        context = verify_context(
            request.headers[HEADER],
            body=request.content,
            audience=AUDIENCE,
            keys={"1": KEY},
            now=1000,
        )
        assert context.caller is None
        asked = msgspec.json.decode(request.content, type=Question)
        known = [(member, ADA) for member in asked.members if member in ADA.links]
        return httpx2.Response(200, content=msgspec.json.encode(Facts(tuple(known))))

    members = [Link("south", "2"), Link("south", "3")]
    assert await facts(respond).persons(members) == {Link("south", "2"): ADA}


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(401),
        httpx2.Response(500),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json={"persons": None}),
    ],
)
async def test_whatever_goes_wrong_is_an_error_and_no_permission(response):
    with pytest.raises(ClientError) as raised:
        await facts(lambda _: response).persons([Link("south", "2")])
    assert raised.value.code == "SUBGRAPH_UNAVAILABLE"
