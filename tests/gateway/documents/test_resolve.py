"""Which document a request gets: its own, a cached one, a registered one, or none."""

from __future__ import annotations

import pytest
from graphql import build_schema

from contract.errors import Code
from gateway.cache.sealed import SealedCache, connect
from gateway.documents.prepare import hash_text
from gateway.documents.request import GraphQLRequest, PersistedQuery
from gateway.documents.resolve import Documents, Reader
from gateway.documents.store import DocumentStore
from gateway.errors import GatewayError
from gateway.settings import Settings

SCHEMA = build_schema("type Query { hello: String  secret: String }")
HELLO = "query Hello { hello }"
SECRET = "query Secret { secret }"
OPEN = Settings(closed=False)
STRICT = Settings(closed=True, trusted_only=True)


def documents(settings=OPEN, manifests=None, shared=None) -> Documents:
    return Documents(SCHEMA, settings, DocumentStore(manifests or {}, shared))


def apq(text: str, query: str | None = None) -> GraphQLRequest:
    return GraphQLRequest(query=query, persisted_query=PersistedQuery(1, hash_text(text)))


async def refusal(of: Documents, request: GraphQLRequest, client: str = "portal") -> Code:
    with pytest.raises(GatewayError) as raised:
        await of.resolve(request, Reader(client))
    return raised.value.code


async def test_prepares_a_text_once():
    of = documents()
    request = GraphQLRequest(query=HELLO)
    assert await of.resolve(request, Reader("a")) is await of.resolve(request, Reader("b"))


async def test_refuses_a_bad_text_again_and_again():
    of = documents()
    for _ in range(2):
        assert await refusal(of, GraphQLRequest(query="{ nope }")) == Code.GRAPHQL_VALIDATION_FAILED


async def test_a_cached_document_is_sent_once():
    of = documents()
    assert await refusal(of, apq(HELLO)) == Code.PERSISTED_QUERY_NOT_FOUND
    await of.resolve(apq(HELLO, HELLO), Reader("portal"))
    assert (await of.resolve(apq(HELLO), Reader("portal"))).text == HELLO


async def test_a_wrong_hash_is_refused_and_caches_nothing():
    of = documents()
    assert await refusal(of, apq(HELLO, SECRET)) == Code.PERSISTED_QUERY_HASH_MISMATCH
    assert await refusal(of, apq(HELLO)) == Code.PERSISTED_QUERY_NOT_FOUND
    assert await refusal(of, apq(SECRET)) == Code.PERSISTED_QUERY_NOT_FOUND


async def test_an_invalid_document_is_not_cached():
    of = documents()
    assert await refusal(of, apq("{ nope }", "{ nope }")) == Code.GRAPHQL_VALIDATION_FAILED
    assert await refusal(of, apq("{ nope }")) == Code.PERSISTED_QUERY_NOT_FOUND


@pytest.mark.parametrize(
    "persisted",
    [PersistedQuery(2, hash_text(HELLO)), PersistedQuery(1, "zz"), PersistedQuery(1, "A" * 64)],
)
async def test_refuses_another_version_and_what_is_no_hash(persisted):
    request = GraphQLRequest(query=HELLO, persisted_query=persisted)
    assert await refusal(documents(), request) == Code.BAD_REQUEST


async def test_a_closed_gateway_caches_nothing_for_clients():
    of = documents(Settings(closed=True))
    await of.resolve(apq(HELLO, HELLO), Reader("portal"))
    assert await refusal(of, apq(HELLO)) == Code.PERSISTED_QUERY_NOT_FOUND


async def test_an_id_belongs_to_the_client_that_registered_it():
    of = documents(manifests={"portal": {"hello-1": HELLO}, "*": {"secret-1": SECRET}})
    assert (await of.resolve(GraphQLRequest(document_id="hello-1"), Reader("portal"))).text == HELLO
    other = GraphQLRequest(document_id="hello-1")
    assert await refusal(of, other, "partner") == Code.TRUSTED_DOCUMENT_REQUIRED
    assert (
        await of.resolve(GraphQLRequest(document_id="secret-1"), Reader("partner"))
    ).text == SECRET


async def test_a_document_id_does_not_carry_another_document():
    of = documents(manifests={"*": {"hello-1": HELLO}})
    request = GraphQLRequest(document_id="hello-1", query=SECRET)
    assert await refusal(of, request) == Code.BAD_REQUEST


async def test_strict_runs_only_what_is_registered():
    manifest = {"hello-1": HELLO, hash_text(HELLO): HELLO}
    of = documents(STRICT, {"portal": manifest})
    for request in (
        GraphQLRequest(document_id="hello-1"),
        GraphQLRequest(document_id=f"sha256:{hash_text(HELLO)}"),
        GraphQLRequest(query=HELLO),
        apq(HELLO),
        apq(HELLO, HELLO),
    ):
        assert (await of.resolve(request, Reader("portal"))).text == HELLO
        assert await refusal(of, request, "partner") in (
            Code.TRUSTED_DOCUMENT_REQUIRED,
            Code.PERSISTED_QUERY_NOT_FOUND,
        )
    for request in (
        GraphQLRequest(query=SECRET),
        GraphQLRequest(query=HELLO + " "),
        GraphQLRequest(query="{ __schema { queryType { name } } }"),
        apq(SECRET, SECRET),
    ):
        assert await refusal(of, request) == Code.TRUSTED_DOCUMENT_REQUIRED


@pytest.fixture
async def shared(valkey_url):
    redis = connect(valkey_url)
    await redis.flushall()
    yield SealedCache(redis, b"k" * 32, "documents")
    await redis.aclose()


async def test_replicas_share_cached_documents(shared):
    first, second = documents(shared=shared), documents(shared=shared)
    await first.resolve(apq(HELLO, HELLO), Reader("portal"))
    assert (await second.resolve(apq(HELLO), Reader("portal"))).text == HELLO


async def test_without_redis_it_goes_on(tmp_path):
    redis = connect(f"unix://{tmp_path}/nobody.sock")
    shared = SealedCache(redis, b"k" * 32, "documents")
    of = documents(shared=shared)
    await of.resolve(apq(HELLO, HELLO), Reader("portal"))
    assert (await of.resolve(apq(HELLO), Reader("portal"))).text == HELLO
    assert shared.failures == 1
    await redis.aclose()
