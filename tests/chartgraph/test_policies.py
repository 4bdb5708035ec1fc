"""`chartgraph policies` and `plan --persona`: what is decided, by whom, and what is wrong."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from chartgraph.cli import app
from chartgraph.persona import Persona
from sandbox.personas import personas
from schema import OPERATIONS, POLICIES

SUMMARY = OPERATIONS / "patient-summary.graphql"


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(POLICIES, tmp_path / "access")


@pytest.fixture
def ssn(tmp_path):
    path = tmp_path / "ssn.graphql"
    path.write_text("query S($id: ID!) { patient(id: $id) { id ssn } }")
    return path


def test_every_persona_of_the_sandbox_can_be_named():
    assert {each.value for each in Persona} == personas("p", "c").keys()


def test_the_products_policies_are_good():
    assert run("policies", "check").exit_code == 0
    tested = run("policies", "test")
    assert tested.exit_code == 0
    assert "all as expected" in tested.output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"identity-steward",\n  action', '"identity-stewrd",\n  action', "policies.cedar:5"),
        ("permit (", "forbid (", "No policy permits identity-steward"),
    ],
)
def test_check_tells_what_is_wrong(folder, old, new, told):
    policies = folder / "policies.cedar"
    assert old in policies.read_text()
    policies.write_text(policies.read_text().replace(old, new, 1))
    outcome = run("policies", "check", "--policies", folder)
    assert outcome.exit_code == 1
    assert told in outcome.output.replace("\n", " ")


def test_check_reads_the_files_of_roles(tmp_path):
    roles = tmp_path / "roles.yaml"
    roles.write_text("roles: {boss: {purposes: [TREAT]}}")
    outcome = run("policies", "check", "--roles", roles)
    assert outcome.exit_code == 1
    assert '"boss" is not declared' in outcome.output.replace("\n", " ")


def test_test_tells_the_lines_that_fail_and_what_is_untested(folder):
    (folder / "decisions.yaml").write_text(
        "callers: {nurse: {roles: [nurse]}}\n"
        "decisions: [{caller: nurse, policy: identity-steward, expected: permit}]"
    )
    outcome = run("policies", "test", "--policies", folder)
    assert outcome.exit_code == 1
    assert "identity-steward is refused to nurse" in outcome.output
    assert "no line of decisions.yaml expects refuse" in outcome.output


def test_explain_tells_whose_words_decide(tmp_path):
    outcome = run("policies", "explain", "identity-steward", "--persona", "patient")
    assert "identity-steward is refused." in outcome.output
    assert "forbid no-identities-for-apps-of-patients (policies.cedar:" in outcome.output
    (tmp_path / "me.yaml").write_text("roles: [identity-steward]\npurpose: HOPERAT")
    outcome = run("policies", "explain", "identity-steward", "--caller", tmp_path / "me.yaml")
    assert "identity-steward is permitted." in outcome.output
    assert "for stewards of the patient index" in outcome.output
    outcome = run("policies", "explain", "unheard-of", "--persona", "patient")
    assert "No policy permits it to anyone." in outcome.output
    assert run("policies", "explain", "identity-steward").exit_code == 1


def test_plan_for_a_persona_tells_who_decides_each_field(ssn):
    outcome = run("plan", SUMMARY, "--persona", "biller")
    assert outcome.exit_code == 0
    assert "Fetch(coverage)" in outcome.output
    assert "Fetch(records)" not in outcome.output
    assert "Cost: " in outcome.output
    assert "permitted patient.coverages (Patient): has the scope user/Coverage.rs" in outcome.output
    assert "REFUSED   patient.conditions (Patient): lacks the scope patient/" in outcome.output
    # What is refused with what is around it goes without saying.
    assert "patient.conditions.nodes" not in outcome.output
    outcome = run("plan", ssn, "--persona", "clinician")
    assert (
        "REFUSED   patient.ssn (Patient): identity-steward is only"
        ' permitted by stewards-keep-identities "Who is who'
    ) in outcome.output


def test_plan_for_a_caller_of_a_file(ssn, tmp_path):
    (tmp_path / "me.json").write_text(
        '{"roles": ["identity-steward"], "purpose": "HOPERAT", "scopes": ["user/Patient.rs"]}'
    )
    outcome = run("plan", ssn, "--caller", tmp_path / "me.json")
    assert (
        "permitted patient.ssn (Patient): identity-steward is permitted by stewards-keep-identities"
        in outcome.output
    )
    (tmp_path / "me.json").write_text('{"role": "identity-steward"}')
    outcome = run("plan", ssn, "--caller", tmp_path / "me.json")
    assert outcome.exit_code == 1
    assert "me.json" in outcome.output


def test_plan_for_whom_nothing_is_permitted(ssn, tmp_path):
    (tmp_path / "me.json").write_text("{}")
    outcome = run("plan", ssn, "--caller", tmp_path / "me.json")
    assert "nothing is fetched" in outcome.output
