"""A document is registered for one client: no other runs it, by its id, its hash or its text."""

from __future__ import annotations

import pytest
from graphql import build_schema

from contract.errors import Code
from gateway.documents.prepare import hash_text
from gateway.documents.request import GraphQLRequest, PersistedQuery
from gateway.documents.resolve import Documents, Reader
from gateway.documents.store import DocumentStore
from gateway.errors import GatewayError
from gateway.settings import Settings

SCHEMA = build_schema("type Query { hello: String  secret: String }")
TEXT = "query Secret { secret }"
HASH = hash_text(TEXT)
STRICT = Settings(closed=True, trusted_only=True)
WAYS = [
    pytest.param(GraphQLRequest(query=None, document_id="secret"), id="id"),
    pytest.param(GraphQLRequest(query=None, document_id=f"sha256:{HASH}"), id="hash as id"),
    pytest.param(GraphQLRequest(query=None, persisted_query=PersistedQuery(1, HASH)), id="hash"),
    pytest.param(GraphQLRequest(query=TEXT, persisted_query=PersistedQuery(1, HASH)), id="both"),
    pytest.param(GraphQLRequest(query=TEXT), id="text"),
    pytest.param(GraphQLRequest(query=TEXT, document_id="secret"), id="text and id"),
]


@pytest.mark.parametrize("request_", WAYS)
@pytest.mark.parametrize("client", ["portal", "", "*", "partner "])
async def test_no_other_client_runs_it(request_, client):
    """Also after its owner has run it, so that it is prepared already."""
    of = Documents(SCHEMA, STRICT, DocumentStore({"partner": {"secret": TEXT}}))
    assert (await of.resolve(request_, Reader("partner"))).text == TEXT
    with pytest.raises(GatewayError) as refused:
        await of.resolve(request_, Reader(client))
    assert refused.value.code in (
        Code.TRUSTED_DOCUMENT_REQUIRED,
        Code.PERSISTED_QUERY_NOT_FOUND,
    )
