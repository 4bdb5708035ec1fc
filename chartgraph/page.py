"""What GraphiQL is told about the demo: examples that answer, and personas to act as."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chartgraph.demo import DemoError, Sandbox
from chartgraph.tokens import persona_token
from contract.keys import KeyRing
from gateway.http.graphiql import Example, PageConfig, Persona
from schema import OPERATIONS
from subgraphs.runtime.sealing import IdSeal, RecordRef

TOKEN_URL = "/demo/token"  # noqa: S105 - an address, not a secret
HOME = "ehr-a"
"""The source whose ids the sandbox's tokens name."""


def page_config(demo: Sandbox, keys: KeyRing) -> PageConfig:
    patient = demo.personas["patient"].patient
    summary = {"id": _enterprise_id(patient, keys)} if patient else {}
    return PageConfig(
        examples=(
            Example("Patient summary", _operation("patient-summary"), summary),
            Example("Worklist", _operation("worklist"), {"first": 50}),
        ),
        personas=tuple(Persona(id_, each.title) for id_, each in demo.personas.items()),
        token_url=TOKEN_URL,
        plan_url="/plan",
    )


def persona_tokens(issuer: str) -> Starlette:
    """Tokens for the page, which may talk to no other origin than its own."""

    async def token(request: Request) -> Response:
        # A page of another origin cannot send this type without asking first, and is not answered.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "invalid_request"}, status_code=415)
        try:
            persona = str((await request.json())["persona"])
            content = await persona_token(issuer, persona)
        except (ValueError, KeyError, TypeError, DemoError):
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        return Response(
            content, media_type="application/json", headers={"cache-control": "no-store"}
        )

    return Starlette(routes=[Route("/token", token, methods=["POST"])])


def _operation(name: str) -> str:
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


def _enterprise_id(patient: str, keys: KeyRing) -> str:
    # Any member's sealed id resolves the person, so the index need not be asked.
    ref = RecordRef(HOME, "Patient", patient, patient)
    return IdSeal(keys.key("seal:ids")).seal("identity", ref)
