"""A thousand users who are really signed in: an issuer's key, and a token for each of them."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from bench.gateways.scenario import PORT

USERS: Final = 1_000
ISSUER: Final = "http://127.0.0.1/bench"
AUDIENCE: Final = "chartgraph"
SCOPE: Final = "user/Patient.rs"
KEYS_PATH: Final = "keys"
KEYS_URL: Final = f"http://127.0.0.1:{PORT}/{KEYS_PATH}"
HOURS: Final = 12
# Private, and no secret: the upstream process publishes its other half.
_SEED: Final[dict[str, str | list[str]]] = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "bench",
    "alg": "ES256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}


def key_set() -> bytes:
    """As the issuer publishes it. The key is the example of RFC 7515, appendix A.3."""
    return json.dumps({"keys": [_key().as_dict(private=False)]}).encode()


def authorizations(*, signed: bool) -> list[str]:
    """What each user sends: a token of the issuer's, or just a name."""
    if not signed:
        return [f"Bearer user-{number}" for number in range(USERS)]
    now = int(time.time())
    return [f"Bearer {_token(number, now)}" for number in range(USERS)]


def _token(number: int, now: int) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"user-{number}",
        "client_id": "bench",
        "scope": SCOPE,
        "iat": now,
        "exp": now + HOURS * 3600,
    }
    return jwt.encode({"alg": "ES256", "kid": "bench", "typ": "JWT"}, claims, _key())


@cache
def _key() -> ECKey:
    return ECKey.import_key(_SEED)
