"""Schemathesis, which nobody here wrote, asks the demo whatever its whole public schema allows.

Its environment is `.venv-schemathesis` beside the repository's own, or wherever
`CHARTGRAPH_SCHEMATHESIS` says. Each root field is one of its operations.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from contract.errors import MEANINGS, Code
from gateway.federation.supergraph import load_supergraph
from schema import SUPERGRAPH

ROOT = Path(__file__).parents[2]
EXAMPLES = os.environ.get("CHARTGRAPH_EXAMPLES", "10")
SERVERS_FAULT = 500
"""From this status on the table of codes tells of failures, below it of refusals."""
NOT_ASKED = {Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED, Code.BUDGET_EXCEEDED, Code.RATE_LIMITED}
"""Whoever is refused so has asked nothing: then nothing was tried."""
REFUSALS = ",".join(
    code for code, told in MEANINGS.items() if told.status < SERVERS_FAULT and code not in NOT_ASKED
)


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


@pytest.mark.third_party
@pytest.mark.parametrize("persona", ["clinician", "steward"])
def test_it_finds_nothing(demo, schemathesis, tmp_path, persona):
    token = demo.sandbox.persona_token(persona)
    command = [schemathesis, "run", f"{demo.gateway}/graphql", "--checks", "all"]
    command += ["--continue-on-failure", "--warnings", "off", "--no-color", "-n", EXAMPLES]
    command += ["-H", f"Authorization:Bearer {token}", "--request-timeout", "30", "--seed", "7"]
    hooks = {
        "SCHEMATHESIS_HOOKS": "documented_refusals",
        "PYTHONPATH": str(Path(__file__).parent),
        "CHARTGRAPH_REFUSALS": REFUSALS,
    }
    run = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env={**os.environ, **hooks},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    tested = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", run.stdout)
    assert tested
    assert set(tested.groups()) == {str(root_fields())}, run.stdout
