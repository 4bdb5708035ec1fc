"""Medplum's FHIR router over its store in memory: a second FHIR server nobody here wrote.

It knows no sign-in and states no capabilities, so it is asked in the plainest way there is. Its
packages lie in `tests/third_party/medplum`, or wherever `CHARTGRAPH_MEDPLUM` says.
"""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.must_support.passing import read_examples
from tests.shared_data import shared_data

FOLDER = Path(__file__).parents[1] / "third_party" / "medplum"
INSTALLED = "tests/third_party/medplum/node_modules/.installed"
SYNTHEA_PATIENTS = 5
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class Medplum:
    url: str
    resources: tuple[dict[str, Any], ...]
    """What it holds: Inferno's patients 85 and 355, and some of Synthea's."""


@pytest.fixture(scope="session")
def medplum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Medplum]:
    packages = Path(os.environ.get("CHARTGRAPH_MEDPLUM", FOLDER)) / "node_modules"
    if not (packages / "@medplum" / "fhir-router").is_dir():
        absent = "Medplum's router is absent: make " + INSTALLED
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    home = tmp_path_factory.mktemp("medplum")
    resources = _resources(home)
    held = home / "resources.ndjson"
    held.write_bytes(b"\n".join(map(_ENCODER.encode, resources)))
    command = ["node", packages.parent / "server.mjs", held]
    with (
        (home / "medplum.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        try:
            port = process.stdout.readline().decode().strip()
            assert port.isdecimal(), (home / "medplum.log").read_text()
            yield Medplum(f"http://127.0.0.1:{port}/fhir", resources)
        finally:
            process.kill()


def _resources(home: Path) -> tuple[dict[str, Any], ...]:
    files = [
        shared_data("inferno-reference", f"uscore_bundle_patient_{number}.json")
        for number in (85, 355)
    ]
    for path in sorted(shared_data("synthea-r4").glob("*.json.gz"))[:SYNTHEA_PATIENTS]:
        unpacked = home / path.stem
        unpacked.write_bytes(gzip.decompress(path.read_bytes()))
        files.append(unpacked)
    return tuple(read_examples(files))
