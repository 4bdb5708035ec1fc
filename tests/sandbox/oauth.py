"""The issuer without the network, and what a client of it says."""

import base64
import hashlib
import secrets
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from sandbox.httpserver import Request
from sandbox.issuer.clients import registered_clients
from sandbox.issuer.server import IssuerServer
from sandbox.issuer.sessions import Sessions
from sandbox.issuer.tokens import TokenMint
from sandbox.personas import personas
from sandbox.wire import decode

ISSUER = "http://127.0.0.1:9100"
CALLBACK = "http://127.0.0.1:4000/callback"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EC = ECKey.generate_key("P-384", auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
STRANGER = ECKey.generate_key("P-384", auto_kid=True)
ID_KEY = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


class Issuer:
    def __init__(self, url=ISSUER):
        self.mint = TokenMint(url, ECKey.generate_key("P-256", auto_kid=True), ID_KEY, Sessions())
        keys = [key.as_dict(private=False) for key in (EC, RSA)]
        people = personas("p1", "d1")
        self.server = IssuerServer(self.mint, registered_clients({"keys": keys}), people)

    def ask(self, method, path, query="", body=b"", headers=None):
        answer = self.server.respond(Request(method, path, query, headers or {}, body))
        # It never waits, so that it can be asked from within a loop as well.
        try:
            answer.send(None)
        except StopIteration as ended:
            return ended.value
        raise AssertionError("it waits")

    def get(self, path):
        return decode(self.ask("GET", path).body)

    def form(self, path, **form):
        answer = self.ask("POST", path, body=urlencode(form).encode())
        return answer.status, decode(answer.body)

    def claims(self, token):
        keys = KeySet.import_key_set(self.get("/jwks"))
        return jwt.decode(token, keys, algorithms=["ES256", "RS256"])

    def system(self, assertion, scope="system/*.rs"):
        return self.form(
            "/token",
            grant_type="client_credentials",
            scope=scope,
            client_assertion_type=ASSERTION_TYPE,
            client_assertion=assertion,
        )

    def authorize(self, persona="patient", opened="", **changes):
        """The redirect's parameters, or the refusal."""
        query = {
            "response_type": "code",
            "client_id": "chartgraph-web",
            "redirect_uri": CALLBACK,
            "scope": "openid fhirUser launch/patient patient/*.rs",
            "state": "s1",
            "aud": "chartgraph",
            "code_challenge": CHALLENGE.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        text = urlencode({name: value for name, value in query.items() if value is not None})
        form = {"persona": persona, "patient": opened}
        answer = self.ask("POST", "/authorize", text, urlencode(form).encode())
        location = dict(answer.headers).get("location")
        if location is None:
            return decode(answer.body)
        assert location.startswith(query["redirect_uri"])
        return dict(parse_qsl(urlsplit(location).query))

    def exchange(self, code, **changes):
        usual = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        form = {"grant_type": "authorization_code", "client_id": "chartgraph-web", **usual}
        return self.form("/token", **{**form, **changes})


def assertion(key=EC, alg="ES384", **changes):
    claims = {
        "iss": "chartgraph",
        "sub": "chartgraph",
        "aud": f"{ISSUER}/token",
        "exp": int(time.time()) + 240,
        "jti": secrets.token_hex(8),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, kept, key, algorithms=[alg])
