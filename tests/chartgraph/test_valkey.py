"""The folder's Valkey: one owner, attaching, and no server left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from chartgraph.valkey import valkey

OWN_IT = """
import sys, time
from pathlib import Path
from chartgraph.valkey import valkey
with valkey(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def client(url):
    return redis.Redis.from_url(url)


def is_running(pid):
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def owner(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_IT, tmp_path], stdout=subprocess.PIPE, text=True
    )
    process.url = process.stdout.readline().strip()
    process.server = int((tmp_path / "valkey.pid").read_text())
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_owner_starts_it_and_ends_it(tmp_path):
    with valkey(tmp_path) as url:
        assert client(url).set("k", "v")
        server = int((tmp_path / "valkey.pid").read_text())
    assert not is_running(server)
    assert not (tmp_path / "valkey.sock").exists()


def test_others_attach_and_leave_it_running(owner, tmp_path):
    with valkey(tmp_path) as url:
        assert url == owner.url
        client(url).set("k", "v")
    assert client(owner.url).get("k") == b"v"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_dies_with_its_owner(owner, how):
    os.kill(owner.pid, how)
    owner.wait()
    wait_until(lambda: not is_running(owner.server))


def test_after_an_owner_was_killed_the_next_one_takes_over(owner, tmp_path):
    owner.kill()
    owner.wait()
    with valkey(tmp_path) as url:
        assert client(url).ping()


def test_a_long_folder_name_is_no_obstacle(tmp_path):
    with valkey(tmp_path / ("deep" * 20) / ("deeper" * 20)) as url:
        assert client(url).ping()


def test_nothing_is_written_to_disk_but_its_log(tmp_path):
    with valkey(tmp_path) as url:
        client(url).set("name", "Lovelace")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"valkey.lock", "valkey.log"}
    assert "Lovelace" not in (tmp_path / "valkey.log").read_text()
