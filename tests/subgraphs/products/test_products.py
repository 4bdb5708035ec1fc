"""What Apollo's compatibility suite asks of a subgraph, asked without Node."""

from __future__ import annotations

import base64
import json

from graphql import strip_ignored_characters

from contract.context import HEADER, Context, body_hash, sign_context
from tests.subgraphs.products.app import KEY, products_app
from tests.subgraphs.signed import NOW, post

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { ...on Product { id sku } } }"
TRACED = (b"apollo-federation-include-trace", b"ftv1")


async def ask(query: str, headers=(), **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    status, answered = await post(products_app(), "/graphql", body, list(headers))
    assert status == 200, answered
    return json.loads(answered)


async def test_publishes_every_directive_it_uses():
    sdl = strip_ignored_characters((await ask("{ _service { sdl } }"))["data"]["_service"]["sdl"])
    for expected in (
        'schema@composeDirective(name:"@custom")',
        'url:"https://myspecs.dev/myCustomDirective/v1.0" import:["@custom"]',
        'type Product@custom@key(fields:"id")@key(fields:"sku package")',
        'type Inventory@key(fields:"id")@interfaceObject',
        'name:String@override(from:"users")',
        "type ProductDimension@shareable",
        "unit:String@inaccessible",
        'notes:String@tag(name:"internal")',
        'createdBy:User@provides(fields:"totalProductsCreated")',
        'Int@requires(fields:"totalProductsCreated yearsOfEmployment")',
    ):
        assert expected in sdl


async def test_resolves_each_of_several_keys_and_null_for_nothing():
    representations = [
        {"__typename": "Product", "id": "apollo-federation"},
        {"__typename": "Product", "sku": "federation", "package": "@apollo/federation"},
        {"__typename": "Product", "sku": "studio", "variation": {"id": "platform"}},
        {"__typename": "Product", "id": "nothing"},
    ]
    answer = await ask(ENTITIES, r=representations)
    ids = [each and each["id"] for each in answer["data"]["_entities"]]
    assert ids == ["apollo-federation", "apollo-federation", "apollo-studio", None]
    assert "errors" not in answer


async def test_computes_from_what_is_required():
    user = {"__typename": "User", "email": "a@b", "totalProductsCreated": 40}
    query = ENTITIES.replace("Product { id sku }", "User { averageProductsCreatedPerYear }")
    answer = await ask(query, r=[user | {"yearsOfEmployment": 4}])
    assert answer["data"]["_entities"] == [{"averageProductsCreatedPerYear": 10}]


async def test_traces_a_request_that_asks_for_it():
    query = '{ p: product(id: "apollo-federation") { research { outcome } } }'
    assert "extensions" not in await ask(query)
    answer = await ask(query, [TRACED])
    root = decode(base64.b64decode(answer["extensions"]["ftv1"]))[14][0]
    (product,) = decode(root)[12]
    product = decode(product)
    (research,) = product[12]
    assert (product[1], product[14], product[3], product[13]) == (
        [b"p"],
        [b"product"],
        [b"Product"],
        [b"Query"],
    )
    assert product[8][0] <= product[9][0]
    (first,) = decode(research)[12]
    assert decode(first)[2] == [0]
    (outcome,) = decode(first)[12]
    assert decode(outcome)[1] == [b"outcome"]


async def test_a_traced_answer_still_carries_its_access_report():
    query = "{ __typename }"
    body = json.dumps({"query": query, "variables": {}}).encode()
    context = Context("products", body_hash(body), int(NOW), "r1", None)
    app = products_app()
    app.clock = lambda: NOW
    headers = [(HEADER.encode(), sign_context(context, KEY).encode()), TRACED]
    _, answered = await post(app, "/graphql", body, headers)
    assert set(json.loads(answered)["extensions"]) == {"access", "ftv1"}


def decode(message: bytes) -> dict[int, list[bytes | int]]:
    """https://protobuf.dev/programming-guides/encoding/"""
    fields: dict[int, list[bytes | int]] = {}
    while message:
        tag, message = read_varint(message)
        value, message = read_varint(message)
        if tag & 7 == 2:
            value, message = message[:value], message[value:]
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def read_varint(message: bytes) -> tuple[int, bytes]:
    value = 0
    for at, byte in enumerate(message):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return value, message[at + 1 :]
    raise AssertionError("a number without an end")
