"""How GraphiQL is served: headers, encodings, names. The page: test_graphiql_browser.py."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from gateway.http.graphiql import Example, PageConfig, Persona, graphiql_app
from gateway.http.graphiql.assets import CONTENT_TYPES, page_assets, read_assets
from gateway.http.graphiql.pack import pack

POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def ask(path, *, method="GET", root_path="", accept_encoding=None, config=None):
    """One request with exactly this path: an HTTP client would tidy `..` away before sending."""
    sent = []

    async def send(message):
        sent.append(message)

    encoding = [] if accept_encoding is None else [(b"accept-encoding", accept_encoding.encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": root_path,
        "headers": encoding,
    }
    await graphiql_app(config or PageConfig())(scope, None, send)
    start, body = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, body["body"])


def script():
    return next(name for name in page_assets() if name.endswith(".js"))


async def test_the_page_names_itself_and_only_its_own_files():
    page = (await ask("/")).body.decode()
    assert "<title>Chartgraph</title>" in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address == "data:," or address.removeprefix("./") in page_assets()


async def test_the_page_has_no_inline_script():
    page = (await ask("/")).body.decode()
    assert re.findall(r"<script[^>]*>(.+?)</script>", page, re.DOTALL) == []


@pytest.mark.parametrize("path", ["/", "/config.json", "/missing.js", "/assets/"])
async def test_every_answer_carries_the_policy(path):
    headers = (await ask(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_every_file_of_the_archive_is_served_with_its_type():
    for name, asset in page_assets().items():
        answer = await ask(f"/{name}")
        assert (answer.status, answer.body) == (200, asset.plain())
        assert answer.headers["content-type"] == CONTENT_TYPES[f".{name.rpartition('.')[2]}"]


async def test_the_licences_of_what_is_bundled_travel_with_it():
    licences = (await ask("/licenses.md")).body.decode()
    for package in ("graphiql", "graphql", "monaco-editor", "react"):
        assert re.search(rf"^## {package} - [\d.]+ \(MIT\)$", licences, re.MULTILINE)


async def test_only_names_with_a_hash_are_kept_by_caches():
    assert (await ask("/")).headers["cache-control"] == "no-cache"
    assert (await ask("/config.json")).headers["cache-control"] == "no-store"
    kept = (await ask(f"/{script()}")).headers["cache-control"]
    assert kept == "public, max-age=31536000, immutable"
    for name in page_assets():
        unhashed = {"index.html", "licenses.md"}
        assert name in unhashed or re.search(r"^assets/.+-[\w-]{8}\.\w+$", name)


@pytest.mark.parametrize(
    ("accept_encoding", "gzipped"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("identity, *;q=0.1", True),
        (None, False),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("x-gzip-not", False),
    ],
)
async def test_gzip_is_sent_to_those_who_take_it(accept_encoding, gzipped):
    answer = await ask(f"/{script()}", accept_encoding=accept_encoding)
    plain = page_assets()[script()].plain()
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(answer.body)
    if gzipped:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body) == plain
    else:
        assert "content-encoding" not in answer.headers
        assert answer.body == plain


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/assets/../../app.py",
        "/%2e%2e/app.py",
        "/..\\app.py",
        "//etc/passwd",
        "/assets",
        "/assets/",
        "/page.zip",
        "/config.json/",
        "/index.html\x00.js",
        "/assets/missing.js",
    ],
)
async def test_no_path_leads_out_of_the_archive(path):
    answer = await ask(path)
    assert (answer.status, answer.body) == (404, b"GraphiQL has no such file.")


async def test_head_answers_as_get_does_without_the_body():
    page, head = await ask("/"), await ask("/", method="HEAD")
    assert (head.status, head.headers, head.body) == (200, page.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_is_written_here(method):
    answer = await ask("/", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_the_configuration_says_what_it_was_given():
    config = PageConfig(
        endpoint="/graph",
        examples=(Example("Summary", "{ me { id } }", {"id": "1"}),),
        personas=(Persona("clinician", "Clinician"),),
        token_url="/demo/token",
        plan_url="/plan",
    )
    answer = await ask("/config.json", config=config)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body) == {
        "endpoint": "/graph",
        "examples": [{"name": "Summary", "query": "{ me { id } }", "variables": {"id": "1"}}],
        "personas": [{"id": "clinician", "title": "Clinician"}],
        "tokenUrl": "/demo/token",
        "planUrl": "/plan",
    }


async def test_a_gateway_without_a_sandbox_offers_no_personas():
    assert json.loads((await ask("/config.json")).body) == {
        "endpoint": "/graphql",
        "examples": [],
        "personas": [],
        "tokenUrl": None,
        "planUrl": None,
    }


async def test_an_address_without_its_slash_leads_to_the_page():
    answer = await ask("/graphiql", root_path="/graphiql")
    assert (answer.status, answer.headers["location"]) == (307, "graphiql/")


def test_it_is_served_under_the_path_it_is_mounted_at():
    routes = [Mount("/tools/graphiql", app=graphiql_app(PageConfig()))]
    client = TestClient(Starlette(routes=routes), raise_server_exceptions=True)
    assert "<title>Chartgraph</title>" in client.get("/tools/graphiql").text
    assert client.get("/tools/graphiql/config.json").json()["endpoint"] == "/graphql"
    assert client.get(f"/tools/graphiql/{script()}").status_code == 200


async def test_a_websocket_is_turned_away():
    sent = []

    async def send(message):
        sent.append(message)

    await graphiql_app(PageConfig())({"type": "websocket", "path": "/"}, None, send)
    assert sent == [{"type": "websocket.close"}]


def test_an_archive_depends_on_its_files_alone(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<!doctype html>" * 50)
    (folder / "assets" / "a-12345678.js").write_bytes(b"")
    pack(folder, tmp_path / "first.zip")
    (folder / "index.html").touch()
    (folder / "index.html").chmod(0o600)
    pack(folder, tmp_path / "second.zip")
    first = (tmp_path / "first.zip").read_bytes()
    assert first == (tmp_path / "second.zip").read_bytes()
    assets = read_assets(first)
    assert assets["index.html"].plain() == b"<!doctype html>" * 50
    assert gzip.decompress(assets["assets/a-12345678.js"].gzipped) == b""


def test_a_damaged_archive_is_not_served(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_bytes(bytes(range(256)) * 20)
    pack(tmp_path / "dist", tmp_path / "page.zip")
    archive = bytearray((tmp_path / "page.zip").read_bytes())
    archive[60] ^= 0xFF
    with pytest.raises(zlib.error):
        read_assets(bytes(archive))["index.html"].plain()
