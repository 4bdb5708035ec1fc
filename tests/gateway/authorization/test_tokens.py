"""Bearer tokens, against a good issuer and hostile ones, over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time

import pytest
from aiohttp import web
from joserfc.jwk import ECKey, OctKey, RSAKey

from contract.errors import Code
from gateway.authorization.bearer import digest_of
from gateway.authorization.roles import Role, RoleMap, read_role_maps
from gateway.authorization.tokens import TokenVerifier
from gateway.cache.sealed import SealedCache, connect
from gateway.errors import AccessError, BusyError, IdentityError
from gateway.settings import Settings
from gateway.telemetry import Metrics


class Clock:
    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def verifier(issuer, http, clock):
    settings = Settings(issuers=(issuer.settings(),))
    roles = read_role_maps(settings.issuers)
    verifier = TokenVerifier(settings, http, Metrics(), clock=clock, roles=roles)
    for keys in verifier._keys.values():
        keys._clock = clock
    return verifier


async def refusal(verifier, token) -> Code:
    with pytest.raises(IdentityError) as raised:
        await verifier.verify(token)
    assert token not in str(raised.value)
    return raised.value.code


async def test_says_who_asks(verifier, issuer):
    verified = await verifier.verify(
        issuer.token(
            scope="openid launch/patient patient/*.rs",
            patient="8f2c",
            fhirUser=f"{issuer.url}/Practitioner/7",
            purpose_of_use="ETREAT",
            organization="lakeside",
        )
    )
    assert verified.caller.subject == "practitioner-7"
    assert verified.caller.client_id == "portal"
    assert verified.caller.patient == "ehr-a/8f2c"
    assert verified.caller.fhir_user == "ehr-a/Practitioner/7"
    assert verified.caller.purpose == "ETREAT"
    assert verified.caller.organization == "lakeside"
    assert verified.caller.token_id == "token-1"
    assert set(verified.caller.scopes) == {"openid", "launch/patient", "patient/*.rs"}


@pytest.mark.parametrize("patient", [None, "", "../8f2c", "a b", 7, ["8f2c"], "Group/8f2c"])
async def test_patient_scopes_are_gone_without_a_launch_patient(verifier, issuer, patient):
    token = issuer.token(scope="openid patient/*.rs user/Patient.rs", patient=patient)
    verified = await verifier.verify(token)
    assert verified.caller.patient is None
    assert set(verified.caller.scopes) == {"openid", "user/Patient.rs"}


async def test_malformed_scopes_stand_for_nothing(verifier, issuer):
    token = issuer.token(scope="user/Patient.sr USER/*.rs user/Patient.r  read:orders")
    identity = await verifier.verify(token)
    assert identity.caller.scopes == ("user/Patient.r", "read:orders")


DOCTORS = RoleMap((("realm", "roles"),), {"clinician": Role(frozenset({"doctor"}), ("TREAT",))})


async def test_maps_an_issuers_roles_to_ours(issuer, http):
    settings = Settings(issuers=(issuer.settings(),))
    verifier = TokenVerifier(settings, http, Metrics(), roles={issuer.url: DOCTORS})
    token = issuer.token(realm={"roles": ["doctor", "superuser"]})
    assert (await verifier.verify(token)).caller.roles == ("clinician",)


async def test_nobody_has_a_role_without_a_file_of_roles(issuer, http):
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    assert (await verifier.verify(issuer.token(roles=["clinician"]))).caller.roles == ()


async def test_a_purpose_that_is_not_the_callers_is_refused(verifier, issuer):
    with pytest.raises(AccessError) as raised:
        await verifier.verify(issuer.token(roles=["clinician"], purpose_of_use="HRESCH"))
    assert raised.value.code == Code.PURPOSE_NOT_PERMITTED


async def test_other_files_of_roles_are_noticed_at_once(issuer, http, valkey_url):
    redis = connect(valkey_url)
    settings = Settings(issuers=(issuer.settings(),))
    first, second = (
        TokenVerifier(settings, http, Metrics(), SealedCache(redis, b"k" * 32, "tokens"))
        for _ in range(2)
    )
    token = issuer.token(realm={"roles": ["doctor"]}, roles=[])
    assert (await first.verify(token)).caller.roles == ()
    for each in (first, second):
        # One remembers the caller itself, the other would from Redis.
        each.use_roles({issuer.url: DOCTORS})
        assert (await each.verify(token)).caller.roles == ("clinician",)
    await redis.aclose()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"exp": 1_000_000}, Code.TOKEN_EXPIRED, id="expired"),
        pytest.param({"exp": None}, Code.TOKEN_INVALID, id="no end"),
        pytest.param({"exp": "tomorrow"}, Code.TOKEN_INVALID, id="an end that is no number"),
        pytest.param({"exp": 10**400}, Code.TOKEN_INVALID, id="an end beyond numbers"),
        pytest.param({"exp": True}, Code.TOKEN_INVALID, id="an end that is true"),
        pytest.param({"nbf": 2**39}, Code.TOKEN_INVALID, id="not yet"),
        pytest.param({"iat": 2**39}, Code.TOKEN_INVALID, id="issued in the future"),
        pytest.param({"aud": "another-api"}, Code.TOKEN_INVALID, id="another audience"),
        pytest.param({"aud": ["another-api", 7]}, Code.TOKEN_INVALID, id="other audiences"),
        pytest.param({"aud": None}, Code.TOKEN_INVALID, id="no audience"),
        pytest.param({"iss": "https://evil.example"}, Code.TOKEN_INVALID, id="foreign issuer"),
        pytest.param({"iss": None}, Code.TOKEN_INVALID, id="no issuer"),
        pytest.param({"iss": ["x"]}, Code.TOKEN_INVALID, id="issuer that is a list"),
        pytest.param({"sub": None}, Code.TOKEN_INVALID, id="no subject"),
        pytest.param({"sub": ""}, Code.TOKEN_INVALID, id="empty subject"),
    ],
)
async def test_refuses_claims(verifier, issuer, changes, code):
    assert await refusal(verifier, issuer.token(**changes)) == code


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"crit": ["exp"], "exp": 1}, id="critical header"),
        pytest.param({"crit": ["b64"], "b64": True}, id="critical b64"),
        pytest.param({"kid": "key-2"}, id="unknown key"),
        pytest.param({"kid": "../../etc/passwd"}, id="key id that is a path"),
        pytest.param({"typ": "dpop+jwt"}, id="another type of token"),
    ],
)
async def test_refuses_headers(verifier, issuer, header):
    assert await refusal(verifier, issuer.token(header=header)) == Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "e30.e30.", "W10.W10.", "x" * 9000]
)
async def test_refuses_what_is_no_token(verifier, token):
    with pytest.raises(IdentityError) as raised:
        await verifier.verify(token)
    assert raised.value.code == Code.TOKEN_INVALID


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(issuer, algorithm: str) -> str:
    header = {"alg": algorithm, "kid": "key-1"}
    return f"{encode(json.dumps(header).encode())}.{encode(json.dumps(issuer.claims()).encode())}."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256"])
async def test_refuses_a_token_nobody_signed(verifier, issuer, algorithm):
    assert await refusal(verifier, unsigned(issuer, algorithm)) == Code.TOKEN_INVALID


async def test_refuses_a_public_key_used_as_a_secret(issuer, http):
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "key-1"})]
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    public = issuer.keys[0].as_pem(private=False)
    signed = unsigned(issuer, "HS256").removesuffix(".")
    forged = f"{signed}.{encode(hmac.digest(public, signed.encode(), 'sha256'))}"
    assert await refusal(verifier, forged) == Code.TOKEN_INVALID


async def test_takes_no_symmetric_key_from_an_issuer(issuer, http):
    secret = OctKey.generate_key(256, {"kid": "key-1"})
    issuer.answer = lambda: web.json_response({"keys": [secret.as_dict(private=True)]})
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    with pytest.raises(BusyError) as raised:
        await verifier.verify(issuer.token())
    assert raised.value.code == Code.ISSUER_UNAVAILABLE


async def test_refuses_a_key_of_the_right_name_and_the_wrong_owner(verifier, issuer):
    mine = ECKey.generate_key("P-256", {"kid": "key-1"})
    assert await refusal(verifier, issuer.token(key=mine)) == Code.TOKEN_INVALID


async def test_refuses_an_algorithm_the_key_is_not_for(issuer, http):
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "key-1", "alg": "RS384"})]
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, Metrics())
    for algorithm, taken in (("RS384", True), ("RS256", False), ("ES256", False)):
        key = issuer.keys[0] if algorithm != "ES256" else ECKey.generate_key("P-256")
        free = RSAKey.import_key(key.as_pem(private=True)) if algorithm == "RS256" else key
        token = issuer.token(key=free, header={"alg": algorithm, "kid": "key-1"})
        if taken:
            assert (await verifier.verify(token)).caller
        else:
            assert await refusal(verifier, token) == Code.TOKEN_INVALID


async def test_refuses_a_changed_token(verifier, issuer):
    header, _, signature = issuer.token().split(".")
    claims = json.dumps(issuer.claims(scope="system/*.cruds")).encode()
    assert await refusal(verifier, f"{header}.{encode(claims)}.{signature}") == Code.TOKEN_INVALID


async def test_allows_the_issuers_clock_a_minute(verifier, issuer, clock):
    token = issuer.token()
    clock.offset = 330
    assert (await verifier.verify(token)).caller
    clock.offset = 370
    assert await refusal(verifier, token) == Code.TOKEN_EXPIRED


async def test_a_remembered_token_still_expires(verifier, issuer, clock):
    token = issuer.token()
    assert await verifier.verify(token) is await verifier.verify(token)
    clock.offset = 370
    assert await refusal(verifier, token) == Code.TOKEN_EXPIRED


async def test_what_is_remembered_is_known_only_while_nobody_has_to_be_asked(
    verifier, issuer, clock
):
    token = issuer.token()
    assert verifier.known(digest_of(token)) is None
    verified = await verifier.verify(token)
    assert verifier.known(digest_of(token)) is verified
    clock.offset = verified.until - time.time()
    assert verifier.known(digest_of(token)) is None


async def test_no_token_is_known_for_longer_than_it_is_good(verifier, issuer):
    claims = issuer.claims(exp=int(time.time()) + 5)
    verified = await verifier.verify(issuer.token(exp=claims["exp"]))
    assert verified.until == claims["exp"]


async def test_follows_a_rotation(verifier, issuer, clock):
    await verifier.verify(issuer.token(jti="before"))
    issuer.keys = [ECKey.generate_key("P-256", {"kid": "key-2"})]
    clock.offset = 30
    assert (await verifier.verify(issuer.token(jti="after"))).caller
    assert issuer.fetched == 2


async def test_forged_keys_do_not_drive_it_to_the_issuer(verifier, issuer):
    await verifier.verify(issuer.token())
    for number in range(20):
        token = issuer.token(header={"kid": f"forged-{number}"})
        assert await refusal(verifier, token) == Code.TOKEN_INVALID
    assert issuer.fetched == 1


async def test_asks_once_for_many(verifier, issuer):
    tokens = [issuer.token(jti=f"token-{number}") for number in range(20)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert issuer.fetched == 1


async def test_forgets_a_withdrawn_key(verifier, issuer, clock):
    withdrawn = issuer.keys[0]
    await verifier.verify(issuer.token())
    issuer.keys = [ECKey.generate_key("P-256", {"kid": "key-2"})]
    clock.offset = 700
    await verifier.refresh()
    token = issuer.token(key=withdrawn, exp=int(clock()) + 300)
    assert await refusal(verifier, token) == Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: web.Response(status=500), id="an error"),
        pytest.param(lambda: web.Response(text="<html>", content_type="text/html"), id="a page"),
        pytest.param(lambda: web.json_response([]), id="a list"),
        pytest.param(lambda: web.json_response({"keys": []}), id="no keys"),
        pytest.param(lambda: web.json_response({"keys": [7, {"kty": "EC"}]}), id="nonsense"),
        pytest.param(lambda: web.Response(text="x" * 300_000), id="too much"),
        pytest.param(lambda: web.HTTPFound("http://169.254.169.254/"), id="a redirect"),
    ],
)
async def test_keeps_the_last_good_keys_for_a_while(verifier, issuer, clock, answer):
    await verifier.verify(issuer.token())
    issuer.answer = answer
    clock.offset = 700
    await verifier.refresh()
    assert (await verifier.verify(issuer.token(exp=int(clock()) + 300))).caller
    clock.offset = 7 * 3600
    with pytest.raises(BusyError):
        await verifier.verify(issuer.token(exp=int(clock()) + 300))
    assert not verifier.ready


async def test_is_ready_once_it_has_keys(verifier, issuer):
    assert not verifier.ready
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(verifier.keep_ready(), timeout=0.2)
    assert verifier.ready
    assert (await verifier.verify(issuer.token())).caller
    assert issuer.fetched == 1


async def test_comes_up_after_an_issuer_that_came_late(verifier, issuer, clock):
    issuer.answer = lambda: web.Response(status=500)
    with pytest.raises(BusyError):
        await verifier.verify(issuer.token())
    issuer.answer = None
    clock.offset = 2
    assert (await verifier.verify(issuer.token())).caller


async def test_nobody_waits_while_known_keys_are_refreshed(verifier, issuer, clock):
    await verifier.verify(issuer.token())
    answered = asyncio.Event()

    async def slow(_=None):
        await answered.wait()
        return web.Response(status=500)

    issuer.answer = slow
    clock.offset = 700
    refreshing = asyncio.create_task(verifier.refresh())
    await asyncio.sleep(0.01)
    assert (await verifier.verify(issuer.token(jti="2", exp=int(clock()) + 300))).caller
    assert not refreshing.done()
    answered.set()
    await refreshing


async def test_refuses_anothers_discovery_document(issuer, http):
    settings = Settings(
        issuers=(issuer.settings().model_copy(update={"issuer": issuer.url + "/"}),)
    )
    verifier = TokenVerifier(settings, http, Metrics())
    with pytest.raises(BusyError):
        await verifier.verify(issuer.token(iss=issuer.url + "/"))


async def test_shares_what_it_verified(issuer, http, valkey_url):
    redis = connect(valkey_url)
    settings = Settings(issuers=(issuer.settings(),))
    first, second = (
        TokenVerifier(settings, http, Metrics(), SealedCache(redis, b"k" * 32, "tokens"))
        for _ in range(2)
    )
    token = issuer.token()
    await first.verify(token)
    issuer.answer = lambda: web.Response(status=500)
    assert (await second.verify(token)).caller.subject == "practitioner-7"
    await redis.aclose()


async def test_redis_holds_nothing_to_read(issuer, http, valkey_url):
    redis = connect(valkey_url)
    await redis.flushall()
    verifier = TokenVerifier(
        Settings(issuers=(issuer.settings(),)),
        http,
        Metrics(),
        SealedCache(redis, b"k" * 32, "tokens"),
    )
    await verifier.verify(issuer.token())
    (key,) = await redis.keys()
    value = await redis.get(key)
    assert b"practitioner-7" not in value
    assert 0 < await redis.ttl(key) <= 60
    await redis.aclose()


async def test_an_outage_is_told_and_its_end_too_late_is_an_error(issuer, http, clock, capsys):
    metrics = Metrics()
    registry = metrics.registry
    verifier = TokenVerifier(Settings(issuers=(issuer.settings(),)), http, metrics, clock=clock)
    verifier._keys[issuer.url]._clock = clock
    labels = {"issuer": issuer.url}
    await verifier.verify(issuer.token())
    issuer.answer = lambda: web.Response(status=500)
    for offset, event in ((700, "issuer_keys_unavailable"), (7 * 3600, "issuer_keys_expired")):
        clock.offset = offset
        await verifier.refresh()
        line = json.loads(capsys.readouterr().err.splitlines()[-1])
        assert (line["event"], line["issuer"]) == (event, issuer.url)
        assert line["reason"] == "answered with status 500"
        age = registry.get_sample_value("chartgraph_issuer_keys_age_seconds", labels)
        assert offset <= age < offset + 60
    asked = labels | {"asked": "keys"}
    assert registry.get_sample_value("chartgraph_issuer_failures_total", asked) == 2


async def test_maps_an_issuers_scopes_to_ours(issuer, http):
    configured = issuer.settings(scopes={"Chart.Read": "user/*.rs user/Claim.r", "Odd": "user/X"})
    verifier = TokenVerifier(Settings(issuers=(configured,)), http, Metrics())
    caller = (await verifier.verify(issuer.token(scope="Chart.Read Odd openid"))).caller
    assert caller.scopes == ("user/*.rs", "user/Claim.r", "openid")


async def test_what_is_shared_stays_bound(issuer, http, valkey_url):
    redis = connect(valkey_url)
    settings = Settings(issuers=(issuer.settings(),))
    first, second = (
        TokenVerifier(settings, http, Metrics(), SealedCache(redis, b"k" * 32, "tokens"))
        for _ in range(2)
    )
    token = issuer.token(cnf={"x5t#S256": "t" * 43})
    assert await first.verify(token, "t" * 43)
    issuer.answer = lambda: web.Response(status=500)
    assert await second.verify(token, "t" * 43)
    assert await refusal(second, token) == Code.TOKEN_INVALID
    await redis.aclose()
