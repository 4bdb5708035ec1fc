"""The known ways to be taken in by a token, one line each: tokens of a good issuer that are not
good, and answers of a hostile one. https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import warnings
import zlib

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from contract.errors import Code
from gateway.authorization.issuer_http import IssuerHttp, IssuerUnavailableError
from gateway.authorization.issuer_keys import _read_key, is_for
from gateway.authorization.strict_json import read_object
from gateway.authorization.tokens import TokenVerifier
from gateway.errors import BusyError, IdentityError
from gateway.settings import Settings
from gateway.telemetry import Metrics
from tests.gateway.conftest import new_key

RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig", "alg": "RS256"})
with warnings.catch_warnings(action="ignore"):
    WEAK = RSAKey.import_key(generate_private_key(65537, 1024), {"kid": "weak", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed-1", "use": "sig"})
P384 = ECKey.generate_key("P-384", {"kid": "p384", "use": "sig"})


def encode(raw: bytes | str) -> str:
    raw = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_token(issuer, header: str, claims: str) -> str:
    """Signed by the issuer's own key over any text whatever."""
    signed = f"{encode(header)}.{encode(claims)}"
    der = issuer.keys[0].private_key.sign(signed.encode(), ECDSA(SHA256()))
    signature = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
    return f"{signed}.{encode(signature)}"


def unsigned(issuer, **header) -> str:
    return f"{encode(json.dumps(header))}.{encode(json.dumps(issuer.claims()))}."


def confused(issuer, material) -> str:
    """The published key, taken as the secret of an HMAC."""
    signed = unsigned(issuer, alg="HS256", kid="rsa-1").removesuffix(".")
    return f"{signed}.{encode(hmac.digest(material, signed.encode(), 'sha256'))}"


def doubled(issuer, part: str) -> str:
    claims = json.dumps(issuer.claims())
    header = '{"alg":"ES256","kid":"key-1","typ":"at+jwt"}'
    if part == "header":
        return raw_token(issuer, header[:-1] + ',"alg":"ES256"}', claims)
    return raw_token(issuer, header, claims[:-1] + ',"sub":"somebody-else"}')


def bomb(issuer) -> str:
    """A compressed JWE of ten million letters in five segments."""
    header = {"alg": "dir", "enc": "A256GCM", "zip": "DEF", "cty": "JWT"}
    body = zlib.compress(b"0" * 1_000_000)
    return ".".join((encode(json.dumps(header)), "", encode(b"0" * 12), encode(body), encode(b"t")))


MINE = new_key("mine")
TOKENS = {
    # No signature, or one that anybody can make
    "alg none": lambda i: unsigned(i, alg="none"),
    "alg None": lambda i: unsigned(i, alg="NoNe"),
    "alg of an empty name": lambda i: unsigned(i, alg=""),
    "alg that is a list": lambda i: unsigned(i, alg=["ES256"]),
    "no alg": lambda i: unsigned(i, kid="key-1"),
    "HS256": lambda i: unsigned(i, alg="HS256", kid="key-1"),
    "the public RSA key in PEM as a secret": lambda i: confused(i, RSA.as_pem(private=False)),
    "the public RSA key in DER as a secret": lambda i: confused(i, RSA.as_der(private=False)),
    "an empty secret": lambda i: confused(i, b""),
    "an ECDSA signature of zeros": lambda i: (
        i.token().rpartition(".")[0] + "." + encode(b"\0" * 64)
    ),
    "a signature in DER": lambda i: (
        i.token().rpartition(".")[0] + "." + encode(b"\x30\x06\x02\x01")
    ),
    "no signature": lambda i: i.token().rpartition(".")[0] + ".",
    "a signature with letters beyond base64": lambda i: i.token() + "!",
    # Keys that the token brings along
    "jwk": lambda i: i.token(key=MINE, header={"kid": None, "jwk": MINE.as_dict(private=False)}),
    "jku": lambda i: i.token(key=MINE, header={"kid": "mine", "jku": f"{i.url}/elsewhere"}),
    "x5u": lambda i: i.token(key=MINE, header={"kid": "mine", "x5u": f"{i.url}/elsewhere"}),
    "x5c": lambda i: i.token(key=MINE, header={"kid": "mine", "x5c": ["MIIB"]}),
    "jku beside a key of the right name": lambda i: i.token(
        key=MINE, header={"kid": "key-1", "jku": f"{i.url}/elsewhere"}
    ),
    # Key ids that are meant for other ears
    "kid of a path": lambda i: i.token(header={"kid": "../../../../dev/null"}),
    "kid of SQL": lambda i: i.token(header={"kid": "x' UNION SELECT 'key-1"}),
    "kid of an address": lambda i: i.token(header={"kid": f"{i.url}/elsewhere"}),
    "kid of a shell": lambda i: i.token(header={"kid": "key-1;sleep 9"}),
    "kid that is a number": lambda i: i.token(header={"kid": 1}),
    "kid that is a list": lambda i: i.token(header={"kid": ["key-1"]}),
    "kid that is empty": lambda i: i.token(header={"kid": ""}),
    "kid with another case": lambda i: i.token(header={"kid": "KEY-1"}),
    # Algorithms that are not the key's
    "RS384 with a key for RS256": lambda i: i.token(
        key=RSAKey.import_key(RSA.as_pem(private=True), {"kid": "rsa-1"}), header={"alg": "RS384"}
    ),
    "PS256 with a key for RS256": lambda i: i.token(
        key=RSAKey.import_key(RSA.as_pem(private=True), {"kid": "rsa-1"}), header={"alg": "PS256"}
    ),
    "ES256 named with an RSA key": lambda i: i.token(header={"kid": "rsa-1"}),
    "ES256 named with a key of P-384": lambda i: i.token(header={"kid": "p384"}),
    "an RSA key of 1024 bits": lambda i: i.token(key=WEAK, header={"alg": "RS256", "kid": "weak"}),
    # Headers that change what is signed or how it is read
    "crit": lambda i: i.token(header={"crit": ["exp"], "exp": 1}),
    "crit of a name that is absent": lambda i: i.token(header={"crit": ["http://x"]}),
    "crit that is empty": lambda i: i.token(header={"crit": []}),
    "b64": lambda i: i.token(header={"b64": True}),
    "zip": lambda i: i.token(header={"zip": "DEF"}),
    "a nested token": lambda i: i.token(header={"cty": "JWT"}),
    "enc": lambda i: i.token(header={"enc": "A256GCM"}),
    "a JWE that is a bomb": bomb,
    # Tokens for something else
    "typ of DPoP": lambda i: i.token(header={"typ": "dpop+jwt"}),
    "typ of a logout token": lambda i: i.token(header={"typ": "logout+jwt"}),
    "typ of a security event": lambda i: i.token(header={"typ": "secevent+jwt"}),
    "typ of an assertion": lambda i: i.token(header={"typ": "client-authentication+jwt"}),
    "typ of an introspection": lambda i: i.token(header={"typ": "token-introspection+jwt"}),
    "typ that is no text": lambda i: i.token(header={"typ": 7}),
    "an ID token": lambda i: i.token(header={"typ": "JWT"}, aud="portal", nonce="n"),
    "an ID token with our audience": lambda i: i.token(header={"typ": "JWT"}, at_hash="x"),
    "an ID token of the code flow": lambda i: i.token(header={"typ": "JWT"}, c_hash="x"),
    "an ID token of Keycloak": lambda i: i.token(header={"typ": "JWT"}, typ="ID"),
    "a refresh token of Keycloak": lambda i: i.token(header={"typ": "JWT"}, typ="Refresh"),
    "an ID token of Cognito": lambda i: i.token(header={"typ": "JWT"}, token_use="id"),
    "a logout token": lambda i: i.token(
        events={"http://schemas.openid.net/event/backchannel-logout": {}}
    ),
    # Claims that are missing, of the wrong kind, or somebody else's
    "no iss": lambda i: i.token(iss=None),
    "iss of another": lambda i: i.token(iss="https://evil.example"),
    "iss with a slash more": lambda i: i.token(iss=i.url + "/"),
    "iss with another case": lambda i: i.token(iss=i.url.upper()),
    "iss that is a list": lambda i: i.token(iss=[i.url]),
    "no aud": lambda i: i.token(aud=None),
    "aud of another": lambda i: i.token(aud="another-api"),
    "aud that begins like ours": lambda i: i.token(aud="chartgraph-admin"),
    "aud that is an object": lambda i: i.token(aud={"chartgraph": True}),
    "aud in a list in a list": lambda i: i.token(aud=[["chartgraph"]]),
    "no sub": lambda i: i.token(sub=None),
    "sub that is empty": lambda i: i.token(sub=""),
    "sub that is a number": lambda i: i.token(sub=7),
    "sub with a line break": lambda i: i.token(sub="a\nb"),
    "sub of three hundred letters": lambda i: i.token(sub="s" * 300),
    "sub of a ward's terminal": lambda i: i.token(sub="ward-3-terminal"),
    "no exp": lambda i: i.token(exp=None),
    "exp that is text": lambda i: i.token(exp="2099-01-01"),
    "exp that is true": lambda i: i.token(exp=True),
    "exp below zero": lambda i: i.token(exp=-1),
    "exp beyond numbers": lambda i: i.token(exp=10**400),
    "exp that is infinite": lambda i: raw_token(
        i,
        '{"alg":"ES256","kid":"key-1"}',
        json.dumps(i.claims()).replace(str(i.claims()["exp"]), "Infinity"),
    ),
    "nbf in two minutes": lambda i: i.token(nbf=i.claims()["iat"] + 120),
    "iat in two minutes": lambda i: i.token(iat=i.claims()["iat"] + 120),
    "nbf that is text": lambda i: i.token(nbf="0"),
    # Proofs that are not there
    "bound to a DPoP key": lambda i: i.token(cnf={"jkt": "x" * 43}),
    "bound to a key of its own": lambda i: i.token(cnf={"jwk": MINE.as_dict(private=False)}),
    "bound to a certificate nobody shows": lambda i: i.token(cnf={"x5t#S256": "x" * 43}),
    "bound to a certificate and a key": lambda i: i.token(
        cnf={"x5t#S256": "x" * 43, "jkt": "x" * 43}
    ),
    "bound to nothing": lambda i: i.token(cnf={}),
    "bound to null": lambda i: raw_token(
        i, '{"alg":"ES256","kid":"key-1"}', json.dumps(i.claims() | {"cnf": None})
    ),
    "bound to text": lambda i: i.token(cnf="x5t#S256"),
    "bound to a short thumbprint": lambda i: i.token(cnf={"x5t#S256": "x"}),
    # JSON that readers read differently
    "a header with two alg": lambda i: doubled(i, "header"),
    "claims with two sub": lambda i: doubled(i, "claims"),
    "claims that are a list": lambda i: raw_token(i, '{"alg":"ES256","kid":"key-1"}', "[]"),
    "claims that are no JSON": lambda i: raw_token(i, '{"alg":"ES256","kid":"key-1"}', "{"),
    "claims in UTF-16": lambda i: (
        f"{encode('{}')}.{encode(json.dumps(i.claims()).encode('utf-16'))}.AA"
    ),
    "claims nested without end": lambda _: f"{encode('{}')}.{encode('[' * 4000)}.AA",
    # Form
    "nothing": lambda _: "",
    "dots": lambda _: "..",
    "four segments": lambda i: i.token() + ".AA",
    "too long": lambda i: i.token(padding="x" * 9000),
    "padding in a segment": lambda i: i.token().replace(".", "=.", 1),
    "a space within": lambda i: i.token().replace(".", " .", 1),
    "letters beyond ASCII": lambda i: i.token().replace("e", "е", 1),  # noqa: RUF001
}


@pytest.fixture
def verifier(issuer, http):
    issuer.keys = [issuer.keys[0], RSA, WEAK, P384]
    settings = Settings(issuers=(issuer.settings(shared_subjects={"ward-3-terminal"}),))
    return TokenVerifier(settings, http, Metrics())


@pytest.mark.parametrize("make", TOKENS.values(), ids=TOKENS.keys())
async def test_refuses_a_token(verifier, issuer, make):
    token = make(issuer)
    with pytest.raises(IdentityError) as raised:
        await verifier.verify(token)
    assert raised.value.code is Code.TOKEN_INVALID
    assert not token or token not in str(raised.value)
    assert issuer.visited == []


async def test_the_log_names_dpop(verifier, issuer):
    with pytest.raises(IdentityError, match=r"DPoP proof \(cnf\.jkt\)"):
        await verifier.verify(issuer.token(cnf={"jkt": "x" * 43}))


@pytest.mark.parametrize("key", [RSA, ED, P384], ids=lambda key: key.kid)
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", None])
async def test_takes_good_ones(http, issuer, key, typ):
    issuer.keys = [key]
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    algorithm = {"rsa-1": "RS256", "ed-1": "Ed25519" if typ else "EdDSA", "p384": "ES384"}[key.kid]
    header = {"alg": algorithm} | ({"typ": typ} if typ else {})
    token = issuer.token(header=header)
    assert (await verifier.verify(token)).caller.subject == "practitioner-7"


async def test_may_ask_for_the_type_of_access_tokens(http, issuer):
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(typed_only=True),)), http, Metrics())
    assert await verifier.verify(issuer.token())
    for typ in ("JWT", "id_token+jwt"):
        with pytest.raises(IdentityError):
            await verifier.verify(issuer.token(header={"typ": typ}))


async def test_two_issuers_may_know_someone_by_the_same_name(http, issuer):
    other = issuer.settings(jwks_uri=f"{issuer.url}/jwks").model_copy(
        update={"issuer": f"{issuer.url}/other", "patient_source": "ehr-b"}
    )
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(), other)), http, Metrics())
    here = (await verifier.verify(issuer.token(patient="p1"))).caller
    there = (await verifier.verify(issuer.token(iss=f"{issuer.url}/other", patient="p1"))).caller
    assert here.subject == there.subject
    assert (here.issuer, here.patient) == (issuer.url, "ehr-a/p1")
    assert (there.issuer, there.patient) == (f"{issuer.url}/other", "ehr-b/p1")


async def test_two_tokens_of_one_person_keep_their_patients_apart(verifier, issuer):
    tokens = [
        issuer.token(scope="patient/*.rs", patient=patient, jti="same")
        for patient in ("p1", "p2", None)
    ]
    for _ in range(2):
        callers = [(await verifier.verify(token)).caller for token in tokens]
        assert [caller.patient for caller in callers] == ["ehr-a/p1", "ehr-a/p2", None]
        assert [caller.scopes for caller in callers] == [("patient/*.rs",)] * 2 + [()]


# What a hostile or broken issuer answers, and whether it is asked again elsewhere.


def stalled():
    async def never():
        await asyncio.Event().wait()

    return never()


ANSWERS = {
    "500": lambda: web.Response(status=500),
    "404": lambda: web.Response(status=404),
    "204": lambda: web.Response(status=204),
    "a page": lambda: web.Response(text="<html>", content_type="text/html"),
    "nothing": lambda: web.Response(body=b""),
    "half": lambda: web.Response(body=b'{"keys": ['),
    "a list": lambda: web.json_response([]),
    "null": lambda: web.json_response(None),
    "keys that are an object": lambda: web.json_response({"keys": {}}),
    "no keys": lambda: web.json_response({"keys": []}),
    "nonsense": lambda: web.json_response({"keys": [None, 7, "x", [], {}, {"kty": 7}]}),
    "a key whose use is encryption": lambda: keys_of(new_key("key-1", use="enc")),
    "a key whose operations are others": lambda: web.json_response(
        {"keys": [new_key("key-1").as_dict(private=False) | {"key_ops": ["encrypt"]}]}
    ),
    "a key whose operations are a number": lambda: web.json_response(
        {"keys": [new_key("key-1").as_dict(private=False) | {"key_ops": 7}]}
    ),
    "a private key": lambda: web.json_response({"keys": [new_key("key-1").as_dict(private=True)]}),
    "a secret": lambda: web.json_response(
        {"keys": [OctKey.generate_key(256, {"kid": "key-1"}).as_dict(private=True)]}
    ),
    "two documents in one": lambda: web.Response(body=b'{"keys": [], "keys": [7]}'),
    "too much": lambda: web.Response(body=b"[" + b" " * 300_000),
    "too much, compressed": lambda: web.Response(
        body=zlib.compress(b" " * 50_000_000), headers={"content-encoding": "deflate"}
    ),
    "a redirect": lambda: web.Response(status=302, headers={"location": "/elsewhere"}),
    "nested without end": lambda: web.Response(body=b'{"keys":' + b"[" * 100_000),
    "no UTF-8": lambda: web.Response(body=b'{"keys": "\xff"}'),
    "no answer": stalled,
}


def keys_of(*keys):
    return web.json_response({"keys": [key.as_dict(private=False) for key in keys]})


DISCOVERIES = {
    "another's": {"issuer": "https://evil.example"},
    "with a slash more": {"issuer": "/"},
    "without an issuer": {"issuer": None},
    "keys on another host": {"jwks_uri": "https://evil.example/jwks"},
    "keys at a link-local address": {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
    "keys in a file": {"jwks_uri": "file:///etc/passwd"},
    "keys behind credentials": {"jwks_uri": "http://127.0.0.1@evil.example/jwks"},
    "keys nowhere": {"jwks_uri": None},
    "keys in a list": {"jwks_uri": ["x"]},
    "keys at no address": {"jwks_uri": "http://[::1"},
    "keys at another port's IPv6 loopback": {"jwks_uri": "http://[::1]:1/jwks"},
}


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr("gateway.authorization.issuer_http.TIMEOUT_SECONDS", 0.05)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_a_hostile_key_set_gives_no_keys(http, issuer, hasty, answer):
    await gives_no_keys(http, issuer, answer=answer)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_a_hostile_configuration_gives_no_keys(http, issuer, hasty, answer):
    await gives_no_keys(http, issuer, discovery=answer)


@pytest.mark.parametrize("changes", DISCOVERIES.values(), ids=DISCOVERIES.keys())
async def test_a_configuration_that_leads_astray_gives_no_keys(http, issuer, changes):
    if changes == {"issuer": "/"}:
        changes = {"issuer": issuer.url + "/"}
    await gives_no_keys(
        http, issuer, discovery=lambda: web.json_response(issuer.configuration(**changes))
    )


async def gives_no_keys(http, issuer, **hostile):
    metrics = Metrics()
    for name, answer in hostile.items():
        setattr(issuer, name, answer)
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, metrics)
    with pytest.raises(BusyError) as raised:
        await verifier.verify(issuer.token())
    assert raised.value.code is Code.ISSUER_UNAVAILABLE
    assert not verifier.ready
    assert issuer.visited == []
    labels = {"issuer": issuer.url, "asked": "keys"}
    assert metrics.registry.get_sample_value("chartgraph_issuer_failures_total", labels) == 1


@pytest.mark.parametrize(
    ("issuer_url", "url"),
    [
        ("http://issuer.invalid", "http://issuer.invalid/jwks"),
        ("https://issuer.invalid", "http://issuer.invalid/jwks"),
        ("https://issuer.invalid", "http://127.0.0.1:1/jwks"),
        ("https://issuer.invalid", "ftp://issuer.invalid/jwks"),
    ],
)
async def test_plain_http_is_for_an_issuer_on_loopback_alone(http, issuer_url, url):
    with pytest.raises(IssuerUnavailableError, match="only asked over TLS"):
        await IssuerHttp(issuer_url, http).get(url)


async def test_a_set_may_come_in_pieces(http, issuer):
    async def slowly():
        body = json.dumps({"keys": [issuer.keys[0].as_dict(private=False)], "x": "x" * 100_000})
        return web.Response(body=pieces(body.encode()))

    async def pieces(body):
        for start in range(0, len(body), 10_000):
            await asyncio.sleep(0)
            yield body[start : start + 10_000]

    issuer.answer = slowly
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    assert await verifier.verify(issuer.token())


async def test_good_keys_serve_though_bad_ones_lie_beside_them(http, issuer):
    good = issuer.keys[0].as_dict(private=False)
    issuer.answer = lambda: web.json_response({"keys": [{"kty": "?"}, 7, good]})
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    assert await verifier.verify(issuer.token())


async def test_two_keys_of_one_name_are_told_apart_by_their_type_or_not_at_all(http, issuer):
    rsa = RSAKey.generate_key(2048, {"kid": "key-1"})
    issuer.keys = [issuer.keys[0], rsa]
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    assert await verifier.verify(issuer.token())
    assert await verifier.verify(issuer.token(key=rsa, header={"alg": "RS256"}))
    issuer.keys = [issuer.keys[0], new_key("key-1")]
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    with pytest.raises(IdentityError):
        await verifier.verify(issuer.token())


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, {"RS256"}),
        (WEAK, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (P384, {"ES384"}),
        (ED, {"EdDSA", "Ed25519"}),
        (OKPKey.generate_key("X25519"), set()),
        (ECKey.generate_key("secp256k1"), set()),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_kind(key, algorithms):
    every = {f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)}
    assert {
        each for each in every | {"EdDSA", "Ed25519", "Ed448", "none"} if is_for(key, each)
    } == algorithms


def test_a_weak_key_is_passed_over():
    assert _read_key(WEAK.as_dict(private=False)) is None
    assert _read_key(RSA.as_dict(private=False)) is not None


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"7", b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":NaN}', b"\xff"]
)
def test_json_says_one_thing(text):
    with pytest.raises(ValueError, match=r".*"):
        read_object(text)


async def test_no_letter_of_a_token_may_be_another(verifier, issuer):
    token = issuer.token()
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for place in range(0, len(token), 3):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        head, _, rest = changed.rpartition(".")
        if head == body and base64.urlsafe_b64decode(rest + "==") == raw:
            continue  # a letter of which not every bit counts
        with pytest.raises(IdentityError) as raised:
            await verifier.verify(changed)
        assert raised.value.code is Code.TOKEN_INVALID
    assert issuer.fetched == 1
