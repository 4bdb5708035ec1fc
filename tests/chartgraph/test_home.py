"""The state folder: private, owned by one, emptied on request and never by mistake."""

import stat

import pytest

from chartgraph.home import HomeError, owned, prepare, reset


def test_its_master_key_is_made_once_and_for_the_owner_alone(tmp_path):
    home = tmp_path / "home"
    prepare(home)
    key = home / "master.key"
    first = key.read_bytes()
    prepare(home)
    assert key.read_bytes() == first
    assert len(first) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_second_owner_is_told_who_the_first_is(tmp_path):
    with owned(tmp_path), pytest.raises(HomeError, match=r"in use by process \d+"), owned(tmp_path):
        pass
    with owned(tmp_path):
        pass


def test_reset_empties_it(tmp_path):
    prepare(tmp_path)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "audit.db").write_text("x")
    reset(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"owner.lock"}
    reset(tmp_path / "absent")


def test_reset_refuses_a_folder_in_use(tmp_path):
    with owned(tmp_path), pytest.raises(HomeError, match="in use"):
        reset(tmp_path)


def test_reset_refuses_a_folder_that_is_not_ours(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(HomeError, match="not a Chartgraph folder"):
        reset(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
