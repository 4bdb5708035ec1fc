"""`pip install .` brings everything the demo needs, and nothing of the tests."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = {
    "schema/documents.json",
    "schema/supergraph.graphql",
    "schema/operations/patient-summary.graphql",
    "schema/operations/worklist.graphql",
    "schema/access/access.cedarschema",
    "schema/access/policies.cedar",
    "schema/access/roles.yaml",
    "schema/subgraphs/identity.graphql",
    "gateway/http/graphiql/page.zip",
    "sandbox/issuer/login.html",
    "sandbox/panel/index.html",
    "sandbox/panel/panel.css",
    "sandbox/panel/panel.js",
    "chartgraph/cli.py",
    "chartgraph/py.typed",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # Built from the committed files alone, as a clone would be.
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", target, source], check=True)
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield set(archive.namelist())


def test_it_holds_what_the_demo_needs(wheel):
    assert wheel >= NEEDED


def test_it_holds_every_module(wheel):
    packages = ("chartgraph", "contract", "gateway", "subgraphs", "sandbox", "schema")
    modules = {
        str(path.relative_to(ROOT)) for each in packages for path in (ROOT / each).rglob("*.py")
    }
    assert modules - wheel == set()


def test_it_holds_no_tests(wheel):
    assert not any(name.startswith(("tests/", "bench/", "docs/")) for name in wheel)
