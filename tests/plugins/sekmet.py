"""sekmet-fhir: a FHIR R4 server nobody here wrote, in its own environment, holding real bundles.

It wants SMART backend services of its clients. Its environment is `.venv-sekmet` beside the
repository's own, or wherever `CHARTGRAPH_SEKMET` says.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import yaml
from joserfc.jwk import ECKey, RSAKey

from chartgraph.ports import free_port
from tests.shared_data import shared_data

LOADING_TOKEN = "loads-the-data"
CLIENT_ID = "chartgraph"
RSA_CLIENT_ID = "chartgraph-rsa"


@dataclass(frozen=True)
class Sekmet:
    url: str
    token_url: str
    client_id: str
    key_file: Path
    rsa_key_file: Path
    """Of the client `RSA_CLIENT_ID`."""
    bundles: tuple[dict, ...]
    """The transaction bundles it holds, as they lie in the files."""


@pytest.fixture(scope="session")
def sekmet(tmp_path_factory):
    command, home = _command(), tmp_path_factory.mktemp("sekmet")
    port = free_port()
    url = f"http://127.0.0.1:{port}/fhir"
    keys = {
        CLIENT_ID: ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384", "kid": "test"}),
        RSA_CLIENT_ID: RSAKey.generate_key(2048, {"use": "sig", "alg": "RS384", "kid": "rsa"}),
    }
    for client_id, key in keys.items():
        (home / f"{client_id}.jwk").write_text(json.dumps(key.as_dict(private=True)))
    (home / "settings.yaml").write_text(yaml.safe_dump(_settings(url, port, home, keys)))
    bundles = tuple(
        json.loads(gzip.decompress(path.read_bytes()))
        for path in sorted(shared_data("synthea-r4").glob("*.json.gz"))
    )
    with (home / "sekmet.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "serve", "--config", home / "settings.yaml"], cwd=home, stdout=log, stderr=log
        )
        try:
            _await(url, process, home / "sekmet.log")
            _load(url, bundles)
            # Its planner has no statistics of its own; without them an OR search takes seconds.
            with sqlite3.connect(home / "sekmet.db") as database:
                database.execute("ANALYZE")
            database.close()
            files = (home / f"{client_id}.jwk" for client_id in keys)
            yield Sekmet(url, _token_url(url), CLIENT_ID, *files, bundles)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _command() -> Path:
    root = Path(__file__).parents[2]
    command = Path(os.environ.get("CHARTGRAPH_SEKMET", root / ".venv-sekmet" / "bin" / "sekmet"))
    if not command.exists():
        absent = "sekmet-fhir is absent: make .venv-sekmet/.installed"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    return command


def _settings(url: str, port: int, home: Path, keys: dict[str, ECKey | RSAKey]) -> dict:
    return {
        "base_url": url,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(home),
        "db_path": str(home / "sekmet.db"),
        "log_inbound": False,
        "validation": {"inbound": "off"},
        # It would answer claims and prescriptions by itself, and so change what was loaded.
        "simulator": {"enabled": False},
        "server_auth": {
            "types": ["smart", "bearer"],
            "tokens": [LOADING_TOKEN],
            "smart_clients": [
                {"client_id": client_id, "jwks": {"keys": [key.as_dict(private=False)]}}
                for client_id, key in keys.items()
            ],
        },
    }


def _await(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{url}/metadata").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, "sekmet did not start"
        time.sleep(0.1)


def _load(url: str, bundles: tuple[dict, ...]) -> None:
    headers = {"Authorization": f"Bearer {LOADING_TOKEN}"}
    with httpx2.Client(headers=headers, timeout=120) as client:
        for bundle in bundles:
            # The ids of the files are kept, so that a test can tell what became of each resource.
            entries = [
                {
                    "fullUrl": entry["fullUrl"],
                    "resource": entry["resource"],
                    "request": {"method": "PUT", "url": _own_url(entry["resource"])},
                }
                for entry in bundle["entry"]
            ]
            response = client.post(url, json={**bundle, "entry": entries})
            assert response.status_code == httpx2.codes.OK, response.text[:500]


def _own_url(resource: dict) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _token_url(url: str) -> str:
    return httpx2.get(f"{url}/.well-known/smart-configuration").json()["token_endpoint"]
