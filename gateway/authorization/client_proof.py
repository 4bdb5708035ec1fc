"""How the gateway proves to an issuer who it is: a secret, or a signature."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from gateway.settings import SettingsError
from gateway.trust import ASYMMETRIC, Introspection

ASSERTION_SECONDS = 60
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1"""

    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html"""

    client_id: str
    key: ECKey | OKPKey | RSAKey = field(repr=False)

    def form(self, audience: str, now: float) -> Mapping[str, str]:
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
            "jti": secrets.token_hex(16),
        }
        algorithm = self.key.alg
        assert algorithm is not None, "it was looked at when the key was read"
        header = {"alg": algorithm, "typ": "JWT", **({"kid": self.key.kid} if self.key.kid else {})}
        signed = jwt.encode(header, claims, self.key, algorithms=[algorithm])
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": signed}


def read_proof(given: Introspection) -> ClientSecret | ClientKey:
    """Raises `SettingsError`, which names the file and nothing in it."""
    if given.client_secret_file is not None:
        secret = _read(given.client_secret_file).strip()
        pair = f"{quote_plus(given.client_id)}:{quote_plus(secret)}"
        encoded = base64.b64encode(pair.encode()).decode()
        return ClientSecret({"authorization": f"Basic {encoded}"})
    assert given.key_file is not None, "the settings ask for one of them"
    try:
        key = JWKRegistry.import_key(json.loads(_read(given.key_file)))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        key = None
    if not isinstance(key, ECKey | OKPKey | RSAKey) or not key.is_private:
        raise SettingsError(f"{given.key_file} holds no private JWK")
    if key.alg not in ASYMMETRIC:
        raise SettingsError(f"the key in {given.key_file} does not say its algorithm ('alg')")
    return ClientKey(given.client_id, key)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} cannot be read") from None
