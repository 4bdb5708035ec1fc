"""Cedar policies: what they decide, what keeps them from being taken, the table they must meet."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cedarpy import PolicySet

from contract.context import Caller
from gateway.authorization.decision_table import (
    TableRefusedError,
    failures,
    read_caller_file,
    read_table,
    untested,
)
from gateway.authorization.grants import GrantsOf, class_of
from gateway.authorization.policies import Policies, entity_of
from gateway.authorization.policy_files import PoliciesRefusedError, check_roles, read_policies
from gateway.authorization.roles import read_roles
from schema import POLICIES, ROLES

STEWARD = Caller("s", roles=("identity-steward",), purpose="HOPERAT")
GOOD = """
@id("good")
@description("Whoever is a steward.")
permit (principal in Role::"identity-steward", action == Action::"identity-steward", resource);
"""


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(POLICIES, tmp_path / "access")


@pytest.fixture
def policies():
    return read_policies(POLICIES)


def test_the_products_policies_decide_as_their_table_says(policies):
    table = read_table(POLICIES / "decisions.yaml")
    assert list(failures(table, policies)) == []
    assert untested(table, policies) == []


def test_a_ruling_names_who_decided(policies):
    permitted = policies.rule(STEWARD, "identity-steward")
    assert permitted.permitted
    assert [each.id for each in permitted.by] == ["stewards-keep-identities"]
    assert permitted.by[0].place == "policies.cedar:5"
    both = replace_roles(STEWARD, "identity-steward", "patient")
    forbidden = policies.rule(both, "identity-steward")
    assert not forbidden.permitted
    assert [each.id for each in forbidden.by] == ["no-identities-for-apps-of-patients"]
    # Where nothing forbids it, what would have permitted it says what is lacking.
    lacking = policies.rule(replace_roles(STEWARD, "clinician"), "identity-steward")
    assert [each.id for each in lacking.by] == ["stewards-keep-identities"]


def replace_roles(caller, *roles):
    return Caller(caller.subject, roles=roles, purpose=caller.purpose)


@pytest.mark.parametrize(
    "caller",
    [
        Caller("s", roles=("identity-steward", "boss"), purpose="HOPERAT"),
        Caller("s", roles=("identity-steward",), purpose="WHATEVER"),
        Caller("s", roles=("identity-steward",), purpose=""),
        Caller("s", client_id="\ud800", roles=("identity-steward",), purpose="HOPERAT"),
    ],
)
def test_a_caller_that_does_not_fit_the_schema_is_refused_with_the_reason(policies, caller):
    ruling = policies.rule(caller, "identity-steward")
    assert not ruling.permitted
    assert ruling.faults
    assert policies.held(caller) == frozenset()


def test_an_unknown_decision_is_refused(policies):
    assert not policies.rule(STEWARD, "unheard-of").permitted


def test_an_error_of_cedar_is_a_denial_also_beside_a_permit(policies):
    """Without the schema's word a forbid that fails is passed over: here it fails at evaluation."""
    broken = """
    @id("a") permit (principal, action, resource);
    @id("b") forbid (principal, action, resource) when { principal.nowhere == "x" };
    """
    ruling = replace(policies, set=PolicySet.from_str(broken)).rule(STEWARD, "identity-steward")
    assert not ruling.permitted
    assert ruling.faults


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(GOOD.replace("permit (", "permt ("), "extra.cedar:2: ", id="syntax"),
        pytest.param(GOOD + "// nothing\n\npermit (", "extra.cedar:7: ", id="an open end"),
        pytest.param(GOOD.replace('@id("good")', ""), "has no @id", id="no id"),
        pytest.param(
            GOOD.replace('@description("Whoever is a steward.")', ""),
            "has no @description",
            id="no description",
        ),
        pytest.param(
            GOOD.replace('"good"', '"stewards-keep-identities"'),
            "policies.cedar:5: Its @id is that of extra.cedar:2",
            id="an id twice",
        ),
        pytest.param(
            GOOD.replace('action == Action::"identity-steward"', "action"),
            "without saying which decision",
            id="permits everything",
        ),
        pytest.param(GOOD.replace("-steward", "-stewrd"), '"identity-stewrd"', id="misspelt"),
        pytest.param(
            GOOD.replace("resource);", 'resource) when { principal.organization == "x" };'),
            "optional attribute",
            id="an attribute that may be missing",
        ),
        pytest.param(
            GOOD.replace("resource);", 'resource) when { principal.subject == "x" };'),
            'attribute "subject"',
            id="an attribute there is not",
        ),
        pytest.param(
            GOOD.replace("(principal in", "(principal == ?principal, action, resource); permit ("),
            "template",
            id="a template",
        ),
    ],
)
def test_bad_policies_are_refused_by_place_and_mend(folder, text, told):
    (folder / "extra.cedar").write_text(text)
    with pytest.raises(PoliciesRefusedError, match=r"extra\.cedar") as raised:
        read_policies(folder)
    assert told in str(raised.value)
    assert all(each.mend for each in raised.value.problems)


def test_every_problem_is_told_at_once(folder):
    (folder / "a.cedar").write_text("permit (;\n permit(principal, action, resource);")
    with pytest.raises(PoliciesRefusedError) as raised:
        read_policies(folder)
    assert [each.place for each in raised.value.problems][:2] == ["a.cedar:1", "a.cedar:2"]


def test_semicolons_in_words_and_comments_end_nothing(folder):
    text = GOOD.replace("Whoever is", 'Whoever; \\"is\\" //').replace("permit", "// a; b\npermit")
    (folder / "extra.cedar").write_text(text)
    assert "good" in {each.id for each in read_policies(folder).statements}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: (f / "access.cedarschema").unlink(), "0 files .cedarschema"),
        (lambda f: (f / "b.cedarschema").write_text(""), "2 files .cedarschema"),
        (lambda f: (f / "access.cedarschema").write_text("entity"), "access.cedarschema: "),
        (lambda f: (f / "policies.cedar").unlink(), "No policy is in it"),
        (lambda f: (f / "policies.cedar").write_bytes(b"\xff"), "cannot be read"),
        (shutil.rmtree, "cannot be read"),
        (
            lambda f: (f / "access.cedarschema").write_text(
                (f / "access.cedarschema").read_text().replace("issuer: String,", "")
            ),
            "does not fit the callers",
        ),
    ],
)
def test_a_bad_folder_is_refused(folder, change, told):
    change(folder)
    with pytest.raises(PoliciesRefusedError, match=r"\S") as raised:
        read_policies(folder)
    assert told in str(raised.value)


def test_a_role_that_no_policy_could_name_is_told(folder, policies):
    roles = folder / "roles.yaml"
    roles.write_text("roles: {boss: {purposes: [TREAT]}}")
    check_roles(policies, {"us": read_roles(ROLES)})
    with pytest.raises(PoliciesRefusedError, match='role "boss" is not declared'):
        check_roles(policies, {"us": read_roles(roles)})
    roles.write_text("roles: {nurse: {purposes: [TREAT]}}\nwithout_role: [FUN]")
    with pytest.raises(PoliciesRefusedError, match='purpose "FUN" is not declared'):
        check_roles(policies, {"us": read_roles(roles)})


def test_a_failed_line_and_an_untested_decision_are_told(folder, policies):
    table = folder / "decisions.yaml"
    table.write_text(
        "callers: {nurse: {roles: [nurse]}}\n"
        "decisions: [{caller: nurse, policy: identity-steward, expected: permit}]"
    )
    (failure,) = failures(read_table(table), policies)
    assert str(failure) == ("identity-steward is refused to nurse (stewards-keep-identities)")
    others = {(each, told) for each in policies.decisions for told in ("permit", "refuse")}
    assert set(untested(read_table(table), policies)) == others - {("identity-steward", "permit")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("callers: [", "no YAML, line 1"),
        ("callers: {}\n", "decisions"),
        ("callers: {a: {role: [x]}}\ndecisions: []", "callers"),
        ("callers: {}\ndecisions: [{caller: a, policy: b, expected: permit}]", "names no caller"),
        ("callers: {}\ndecisions: [{caller: a, policy: b, expected: maybe}]", "expected"),
    ],
)
def test_a_bad_table_is_refused(folder, text, told):
    (folder / "decisions.yaml").write_text(text)
    with pytest.raises(TableRefusedError, match=told):
        read_table(folder / "decisions.yaml")


def test_a_caller_in_a_file_of_its_own(tmp_path):
    (tmp_path / "me.json").write_text('{"roles": ["nurse"], "purpose": "ETREAT", "client": "app"}')
    caller = read_caller_file(tmp_path / "me.json")
    assert (caller.roles, caller.purpose, caller.client_id) == (("nurse",), "ETREAT", "app")


class TestGrants:
    def test_hold_what_the_policies_permit(self, policies):
        grants = GrantsOf(policies)(STEWARD)
        assert grants.authenticated
        assert grants.policies == {"identity-steward"}

    def test_hold_nothing_without_policies(self):
        assert GrantsOf()(STEWARD).policies == frozenset()

    def test_two_callers_of_one_class_share_theirs(self, policies):
        grants_of = GrantsOf(policies)
        one, other = (Caller(who, roles=("nurse",), token_id=who) for who in ("a", "b"))
        assert grants_of(one) is grants_of(other)

    @pytest.mark.parametrize(
        "other",
        [
            {"issuer": "x"},
            {"client_id": "x"},
            {"organization": "x"},
            {"purpose": "ETREAT"},
            {"roles": ("lab",)},
            {"scopes": ("user/*.r",)},
        ],
    )
    def test_whatever_a_policy_may_ask_tells_callers_apart(self, other):
        plain, changed = Caller("a"), Caller("a", **other)
        assert entity_of(plain) != entity_of(changed)
        assert class_of(plain) != class_of(changed)

    @pytest.mark.parametrize("other", [{"subject": "b"}, {"token_id": "x"}, {"patient": "e/x"}])
    def test_and_nothing_else_does(self, other):
        plain, changed = Caller("a"), Caller(**({"subject": "a"} | other))
        assert entity_of(plain) == entity_of(changed)
        assert class_of(plain) == class_of(changed)

    def test_the_policies_are_asked_once_for_a_class(self, policies, monkeypatch):
        asked = []
        held = Policies.held
        monkeypatch.setattr(Policies, "held", lambda *a: asked.append(1) or held(*a))
        grants_of = GrantsOf(policies)
        for number in range(5):
            grants_of(Caller(str(number), roles=("nurse",)))
        assert len(asked) == 1


GUIDE = (Path(__file__).parents[3] / "docs" / "authorization.md").read_text()


def shown(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


class TestGuide:
    def test_shows_a_policy_that_there_is(self):
        (policy,) = shown("cedar")
        assert policy in (POLICIES / "policies.cedar").read_text()

    def test_shows_a_file_of_roles_and_a_table_that_hold(self, policies, tmp_path):
        roles, table = shown("yaml")
        (tmp_path / "roles.yaml").write_text(roles)
        check_roles(policies, {"us": read_roles(tmp_path / "roles.yaml")})
        (tmp_path / "decisions.yaml").write_text(table)
        assert list(failures(read_table(tmp_path / "decisions.yaml"), policies)) == []
