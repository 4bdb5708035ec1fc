"""A gateway as GraphiQL sees one: a graph, a sandbox's tokens, plans; it remembers who asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from graphql import build_schema, graphql
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

from gateway.http.graphiql import graphiql_app

HOSTILE = "<img src=x onerror='window.stolen=1'> [click](javascript:window.stolen=1)"
SCHEMA = build_schema(f'''
"""{HOSTILE}"""
schema {{ query: Query }}
"""{HOSTILE}"""
type Query {{
  "{HOSTILE}"
  patient(id: ID!): Patient
  greeting: String
}}
type Patient {{ id: ID! name: String }}
''')


@dataclass
class Gateway:
    """Answers as a gateway does and remembers who asked what."""

    url: str
    token_lifetime: int = 3600
    refuses_tokens: bool = False
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Personas whose token is answered only once the event is set."""
    tokens: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The operation's name and the Authorization header of every request."""

    async def graphql(self, request):
        body = await request.json()
        self.asked.append((body["operationName"], request.headers.get("authorization", "")))
        root = {"patient": lambda _info, **key: {**key, "name": "Ada"}, "greeting": HOSTILE}
        result = await graphql(SCHEMA, body["query"], root, variable_values=body.get("variables"))
        return JSONResponse({**result.formatted, "extensions": {"timings": [{"fetch": "records"}]}})

    async def token(self, request):
        persona = (await request.json())["persona"]
        if persona in self.held:
            await self.held[persona].wait()
        if self.refuses_tokens:
            return PlainTextResponse("no", 403)
        self.tokens += 1
        return JSONResponse(
            {
                "access_token": f"{persona}-{self.tokens}",
                "token_type": "Bearer",
                "expires_in": self.token_lifetime,
            }
        )

    async def plan(self, request):
        body = await request.json()
        return JSONResponse(
            {
                "plan": f"QueryPlan {{\n  Fetch({body['variables']['id']})\n}}",
                "cost": {"estimated": 12},
                "authorization": [{"field": "Patient.name", "decision": "permit"}],
                "asked": request.headers.get("authorization", ""),
            }
        )

    def app(self, config):
        return Starlette(
            routes=[
                Mount("/graphiql", app=graphiql_app(config)),
                Route("/graphql", self.graphql, methods=["POST"]),
                Route("/demo/token", self.token, methods=["POST"]),
                Route("/plan", self.plan, methods=["POST"]),
            ]
        )

    def authorizations(self, operation):
        return [header for name, header in self.asked if name == operation]
