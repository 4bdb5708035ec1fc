"""An engine over the small supergraph, whose subgraph answers more than it is asked."""

from __future__ import annotations

import json

from graphql import experimental_execute_incrementally, parse

from gateway.authorization.identity import Grants
from gateway.decision import decide
from gateway.engine import Engine
from gateway.execution.wire import encode
from gateway.federation.access_rules import access_rules
from tests.security.supergraphs import small

VISIT = {"__typename": "Visit", "id": "v", "title": "A visit", "price": 7, "author": None}
NOTE = {"__typename": "Note", "id": "n", "title": "SECRET", "text": "SECRET", "author": None}
MEMO = {"__typename": "Memo", "id": "SECRET", "title": "SECRET", "author": None}
PERSON = {"__typename": "Person", "id": "p", "name": "Ada", "ssn": "SECRET", "mood": "BAD"}
DATA = {
    "node": NOTE,
    "nodes": [VISIT, NOTE, PERSON],
    "entries": [VISIT, NOTE, MEMO],
    "found": [VISIT, NOTE, PERSON, MEMO],
    "sign": NOTE,
    "merge": PERSON,
    "vault": {"token": "SECRET", "plain": "SECRET"},
    "person": PERSON,
}
SIGNED_IN = Grants(authenticated=True)


class Gateway:
    """An engine in front of a subgraph that answers what it is asked, and more than that."""

    def __init__(self):
        self.engine = Engine(small(), {})
        self.rules = access_rules(small())
        self.asked = []

    async def send(self, _subgraph, body, _kind):
        request = json.loads(body)
        query = request["query"]
        self.asked.append(query)
        if "_entities" in query:
            found = [PERSON for _ in request["variables"]["representations"]]
            return encode({"data": {"_entities": found}})
        answer = experimental_execute_incrementally(
            self.engine.schema, parse(query), DATA
        ).formatted
        for rows in (answer["data"] or {}).values():
            for row in rows if isinstance(rows, list) else [rows]:
                row["ssn"] = "SECRET"
        return encode(answer)

    def permit(self, grants):
        return lambda it: decide(it, self.rules, grants, self.engine.schema).permitted

    async def ask(self, text, grants=SIGNED_IN):
        operation = self.engine.normalize(parse(text), None)
        return await self.engine.run(operation, {}, self.send, authorize=self.permit(grants))

    def subscribe(self, text, grants=SIGNED_IN):
        operation = self.engine.normalize(parse(text), None)
        return self.engine.subscribe(operation, {}, authorize=self.permit(grants))

    async def hear(self, subscription, event):
        """The answer to one event, which is told with more than was asked for."""
        return await self.engine.answer_event(subscription, encode(event), self.send)

    async def parts(self, text, grants=SIGNED_IN):
        """Every part of a deferred answer."""
        operation = self.engine.normalize(parse(text), None, deferring=True)
        answered = self.engine.run_deferred(operation, {}, self.send, authorize=self.permit(grants))
        return [part async for part in answered]
