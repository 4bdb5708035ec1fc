"""Keys: one master per folder, or one by one."""

import base64
import stat

import pytest

from contract.keys import KeyMissingError, KeyRing, derive_key
from subgraphs.runtime.settings import RuntimeSettings

MASTER = b"m" * 32
OTHER = base64.b64encode(b"o" * 32).decode()


def settings(monkeypatch, tmp_path, **env):
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path))
    for name, value in env.items():
        monkeypatch.setenv(f"CHARTGRAPH_{name}", value)
    return RuntimeSettings()


def test_a_folder_gets_one_master_key_for_its_owner_alone(monkeypatch, tmp_path):
    one = settings(monkeypatch, tmp_path / "new").key_ring()
    two = settings(monkeypatch, tmp_path / "new").key_ring()
    assert one.key("seal:ids") == two.key("seal:ids") != one.key("seal:links")
    file = tmp_path / "new" / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert one.key("cache") == derive_key(file.read_bytes(), "cache")
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]


def test_the_environment_s_master_key_wins(monkeypatch, tmp_path):
    ring = settings(monkeypatch, tmp_path, MASTER_KEY=base64.b64encode(MASTER).decode()).key_ring()
    assert ring.key("context:records") == derive_key(MASTER, "context:records")
    assert list(tmp_path.iterdir()) == []


def test_a_process_can_hold_single_keys_only(monkeypatch, tmp_path):
    ring = settings(monkeypatch, tmp_path, KEY_CONTEXT_RECORDS=OTHER).key_ring()
    assert ring.key("context:records") == b"o" * 32
    with pytest.raises(KeyMissingError, match="CHARTGRAPH_KEY_SEAL_IDS"):
        ring.key("seal:ids")


def test_a_next_key_is_accepted_in_rotation():
    assert KeyRing(MASTER, {}).rotation("context:records").keys() == {"1"}
    ring = KeyRing(MASTER, {"CHARTGRAPH_KEY_CONTEXT_RECORDS_NEXT": OTHER})
    assert ring.rotation("context:records") == {
        "1": derive_key(MASTER, "context:records"),
        "2": b"o" * 32,
    }


@pytest.mark.parametrize("value", ["", "not base64!", "c2hvcnQ="])
def test_refuses_what_is_no_key(monkeypatch, tmp_path, value):
    with pytest.raises(KeyMissingError) as raised:
        settings(monkeypatch, tmp_path, MASTER_KEY=value).key_ring()
    assert value == "" or value not in str(raised.value)


def test_a_damaged_key_file_is_not_replaced(monkeypatch, tmp_path):
    (tmp_path / "master.key").write_bytes(b"short")
    with pytest.raises(KeyMissingError):
        settings(monkeypatch, tmp_path).key_ring()
    assert (tmp_path / "master.key").read_bytes() == b"short"


def test_keys_do_not_show():
    assert "mmm" not in repr(KeyRing(MASTER, {}))
