"""Schemathesis, which nobody here wrote, asks the demo whatever its whole public schema allows.

Its environment is `.venv-schemathesis` beside the repository's own, or wherever
`CHARTGRAPH_SCHEMATHESIS` says. Each root field is one of its operations.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from gateway.federation.supergraph import load_supergraph
from schema import SUPERGRAPH

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = os.environ.get("CHARTGRAPH_EXAMPLES", "10")
EMERGENCY = "Mutation.breakGlass"
"""What takes another purpose of use than everything else does."""


@pytest.fixture(scope="session")
def schemathesis():
    default = ROOT / ".venv-schemathesis" / "bin" / "schemathesis"
    command = Path(os.environ.get("CHARTGRAPH_SCHEMATHESIS", default))
    if not command.exists():
        absent = "Schemathesis is absent: make .venv-schemathesis/.installed"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    return command


def root_fields() -> int:
    schema = load_supergraph(SUPERGRAPH.read_text()).api_schema
    return sum(len(root.fields) for root in (schema.query_type, schema.mutation_type))


def run(demo, schemathesis, folder, persona, *options, hooks=None):
    """What it prints, once it has asked all it was to ask and found nothing."""
    token = demo.sandbox.persona_token(persona)
    command = [schemathesis, "run", f"{demo.gateway}/graphql", "--checks", "all"]
    command += ["--continue-on-failure", "--warnings", "off", "--no-color", "-n", EXAMPLES]
    command += ["-H", f"Authorization:Bearer {token}", "--request-timeout", "30", "--seed", "7"]
    named = {"SCHEMATHESIS_HOOKS": hooks, "PYTHONPATH": str(HERE)} if hooks else {}
    done = subprocess.run(
        [*command, *options],
        check=False,
        cwd=folder,
        env={**os.environ, **named},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", done.stdout)
    assert told, done.stdout
    selected, whole, tested = map(int, told.groups())
    assert (selected, whole) == (tested, root_fields()), done.stdout
    return tested


@pytest.mark.third_party
def test_it_finds_nothing_in_the_whole_schema(demo, schemathesis, tmp_path):
    """By those to whom nothing is refused, just as it comes."""
    most = run(demo, schemathesis, tmp_path, "tester", "--exclude-name", EMERGENCY)
    rest = run(demo, schemathesis, tmp_path, "emergency", "--include-name", EMERGENCY)
    assert most + rest == root_fields()


@pytest.mark.third_party
def test_nor_does_whoever_is_refused_a_field(demo, schemathesis, tmp_path):
    tested = run(demo, schemathesis, tmp_path, "patient", hooks="documented_refusals")
    assert tested == root_fields()
