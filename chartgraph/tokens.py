"""`chartgraph token`: a persona's access token from the sandbox's issuer."""

from __future__ import annotations

import httpx2

from chartgraph.demo import DemoError


async def persona_token(issuer: str, persona: str) -> bytes:
    """The issuer's token response (RFC 6749 §5.1), as JSON."""
    async with httpx2.AsyncClient(base_url=issuer, timeout=10) as client:
        try:
            response = await client.post("/persona-token", json={"persona": persona})
        except httpx2.TransportError:
            raise DemoError("the sandbox's issuer does not answer") from None
    if response.status_code != httpx2.codes.OK:
        raise DemoError(f"the sandbox's issuer has no token for {persona!r}")
    return response.content
