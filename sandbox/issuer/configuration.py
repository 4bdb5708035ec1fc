"""What the issuer says of itself.

https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata,
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.issuer.assertion import ASSERTION_ALGORITHMS
from sandbox.issuer.misdeeds import Misdeed
from sandbox.issuer.tokens import TokenMint

FOREIGN = "http://elsewhere.invalid"
CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
_CONTEXT = ("launch", "launch/patient", "launch/encounter", "offline_access", "online_access")


def openid_configuration(mint: TokenMint, scopes: Sequence[str]) -> dict[str, Any]:
    foreign_issuer = mint.misdeed is Misdeed.FOREIGN_ISSUER
    foreign_keys = mint.misdeed is Misdeed.FOREIGN_KEYS
    return {
        **_endpoints(mint, scopes),
        "issuer": FOREIGN if foreign_issuer else mint.issuer,
        "jwks_uri": f"{FOREIGN if foreign_keys else mint.issuer}/jwks",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def smart_configuration(mint: TokenMint, scopes: Sequence[str]) -> dict[str, Any]:
    return {
        **_endpoints(mint, scopes),
        "issuer": mint.issuer,
        "jwks_uri": f"{mint.issuer}/jwks",
        "capabilities": list(CAPABILITIES),
    }


def _endpoints(mint: TokenMint, scopes: Sequence[str]) -> dict[str, Any]:
    issuer = mint.issuer
    return {
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "scopes_supported": sorted({*scopes, *_CONTEXT}),
    }
