"""Registries: what every kind of them keeps to, and what each is alone to answer for."""

from __future__ import annotations

import stat

import pytest

from contract.errors import Code
from gateway.cache.sealed import SealedCache, connect
from gateway.documents.prepare import hash_text
from gateway.documents.registry import (
    FOLDER,
    ClientDocuments,
    FolderRegistry,
    RegistryError,
    SealedRegistry,
)
from gateway.documents.store import REFRESH_SECONDS, DocumentStore

HELLO = "query Hello { hello }"
OTHER = "query Other { hello }"
PORTAL = ClientDocuments("portal", {"hello-1": HELLO}, ("user/*.rs",))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def cache(valkey_url):
    redis = connect(valkey_url)
    await redis.flushall()
    yield SealedCache(redis, b"k" * 32, "documents")
    await redis.aclose()


class RegistryContract:
    async def test_keeps_what_a_client_registered(self, registry):
        await registry.write(PORTAL)
        assert await registry.read("portal") == PORTAL

    async def test_knows_nothing_of_others(self, registry):
        await registry.write(PORTAL)
        assert await registry.read("partner") == ClientDocuments("partner")

    async def test_replaces_whole(self, registry):
        await registry.write(PORTAL)
        await registry.write(ClientDocuments("portal", {"other-1": OTHER}))
        assert (await registry.read("portal")).documents == {"other-1": OTHER}

    @pytest.mark.parametrize("client", ["*", "https://app.example/c?x=1", "../../etc", ".", "é"])
    async def test_a_client_may_have_any_name(self, registry, client):
        await registry.write(ClientDocuments(client, {"hello-1": HELLO}))
        assert (await registry.read(client)).documents == {"hello-1": HELLO}
        assert await registry.clients() == (client,)

    async def test_lists_its_clients(self, registry):
        assert await registry.clients() == ()
        await registry.write(PORTAL)
        await registry.write(ClientDocuments("app", {}))
        await registry.write(PORTAL)
        assert await registry.clients() == ("app", "portal")


class TestFolder(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path):
        return FolderRegistry(tmp_path)

    async def test_is_for_its_owner_alone(self, registry, tmp_path):
        await registry.write(PORTAL)
        assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700

    async def test_writes_only_into_its_folder(self, registry, tmp_path):
        await registry.write(ClientDocuments("../../escaped", {}))
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.parent for path in written] == [tmp_path / FOLDER]

    async def test_sees_what_another_process_writes(self, registry, tmp_path):
        await registry.write(PORTAL)
        await registry.read("portal")
        await FolderRegistry(tmp_path).write(ClientDocuments("portal", {"other-12": OTHER}))
        assert "other-12" in (await registry.read("portal")).documents

    async def test_says_where_a_file_is_that_it_cannot_read(self, registry, tmp_path):
        await registry.write(PORTAL)
        (tmp_path / FOLDER / "portal.json").write_text("{")
        with pytest.raises(RegistryError, match=r"portal\.json"):
            await registry.read("portal")
        with pytest.raises(RegistryError, match=r"portal\.json"):
            await registry.clients()

    async def test_a_name_too_long_is_refused(self, registry):
        with pytest.raises(RegistryError, match="too long"):
            await registry.write(ClientDocuments("x" * 300, {}))

    async def test_a_folder_that_cannot_be_written_is_told(self, tmp_path):
        (tmp_path / FOLDER).write_text("a file")
        with pytest.raises(RegistryError, match="cannot be written"):
            await FolderRegistry(tmp_path).write(PORTAL)


class TestSealed(RegistryContract):
    @pytest.fixture
    def registry(self, cache):
        return SealedRegistry(cache)

    async def test_redis_holds_nothing_to_read_or_to_forge(self, registry, cache):
        await registry.write(PORTAL)
        await registry.write(ClientDocuments("partner", {"other-1": OTHER}))
        redis = cache._redis
        keys = await redis.keys()
        values = [await redis.get(key) for key in keys]
        assert not any(b"hello" in text or b"portal" in text for text in (*keys, *values))
        for key, value in zip(keys, (*values[1:], values[0]), strict=True):
            await redis.set(key, value)
        assert (await registry.read("portal")).documents == {}

    async def test_an_outage_is_no_empty_registry(self, tmp_path):
        redis = connect(f"unix://{tmp_path}/nobody.sock")
        registry = SealedRegistry(SealedCache(redis, b"k" * 32, "documents"))
        for attempt in (registry.read("portal"), registry.clients(), registry.write(PORTAL)):
            with pytest.raises(RegistryError, match="reached"):
                await attempt
        await redis.aclose()


class Broken(FolderRegistry):
    down = False

    async def read(self, client):
        if self.down:
            raise RegistryError("down")
        return await super().read(client)

    async def clients(self):
        if self.down:
            raise RegistryError("down")
        return await super().clients()


@pytest.fixture
def registry(tmp_path):
    return Broken(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(registry, clock):
    return DocumentStore({}, None, (registry,), clock=clock)


async def test_a_push_is_noticed_and_so_is_what_it_takes_back(store, registry, clock):
    assert await store.registered("portal", "hello-1") is None
    await registry.write(PORTAL)
    assert await store.registered("portal", "hello-1") is None
    clock.now += REFRESH_SECONDS
    for name in ("hello-1", hash_text(HELLO), f"sha256:{hash_text(HELLO)}"):
        assert await store.registered("portal", name) == HELLO
    assert await store.registered("partner", "hello-1") is None
    await registry.write(ClientDocuments("portal", {}))
    clock.now += REFRESH_SECONDS
    assert await store.registered("portal", "hello-1") is None


async def test_what_is_registered_for_everyone_is_everyones(store, registry):
    await registry.write(ClientDocuments("*", {"hello-1": HELLO}))
    assert await store.registered("portal", "hello-1") == HELLO


async def test_what_ran_before_an_outage_runs_through_it(store, registry, clock):
    await registry.write(PORTAL)
    assert await store.registered("portal", "hello-1") == HELLO
    registry.down = True
    clock.now += REFRESH_SECONDS
    assert await store.registered("portal", "hello-1") == HELLO
    assert await store.registered("partner", "hello-1") is None
    assert [each async for each in store.everything()] == []


async def test_a_settings_manifest_comes_first(registry, clock):
    await registry.write(ClientDocuments("portal", {"hello-1": OTHER, "other-1": OTHER}))
    store = DocumentStore({"portal": {"hello-1": HELLO}}, None, (registry,), clock=clock)
    assert await store.registered("portal", "hello-1") == HELLO
    assert await store.registered("portal", "other-1") == OTHER
    assert [each.client async for each in store.everything()] == ["portal", "portal"]


async def test_a_gateway_takes_what_is_pushed_to_its_folder(start, issuer, tmp_path):
    gateway = await start(trusted_only=True)
    await FolderRegistry(tmp_path / "home").write(ClientDocuments("portal", {"w": "{ weather }"}))
    reply = await gateway.post({"documentId": "w"}, issuer.token())
    assert reply.json == {"data": {"weather": "fine"}}
    reply = await gateway.post({"documentId": "w"}, issuer.token(client_id="partner"))
    assert reply.codes == [Code.TRUSTED_DOCUMENT_REQUIRED]


async def test_a_gateway_takes_what_is_pushed_to_redis(start, issuer, valkey_url):
    gateway = await start(trusted_only=True, redis_url=valkey_url)
    cache = SealedCache(connect(valkey_url), gateway.app.settings.key("cache"), "documents")
    await cache._redis.flushall()
    await SealedRegistry(cache).write(ClientDocuments("portal", {"w": "{ weather }"}))
    reply = await gateway.post({"documentId": "w"}, issuer.token())
    assert reply.json == {"data": {"weather": "fine"}}
    await gateway.app.reload()
    await gateway.app.assembly._warming
    assert len(gateway.app.assembly.pipeline._engine._plans) == 1
    await cache._redis.aclose()


async def test_what_is_registered_is_planned_before_it_is_asked_for(start, issuer, tmp_path):
    registered = {"w": "query W { weather }", "bad": "{ nope }", "two": "query A { weather } {"}
    await FolderRegistry(tmp_path / "home").write(ClientDocuments("portal", registered))
    gateway = await start(trusted_only=True)
    pipeline = gateway.app.assembly.pipeline
    await gateway.app.assembly._warming
    planned = pipeline._engine._plans
    assert len(planned) == 1
    for body in ({"documentId": "w"}, {"documentId": "w", "operationName": "W"}):
        reply = await gateway.post(body, issuer.token())
        assert reply.json == {"data": {"weather": "fine"}}
    assert len(planned) == 1
    await gateway.app.reload()
    await gateway.app.assembly._warming
    assert len(gateway.app.assembly.pipeline._engine._plans) == 1
