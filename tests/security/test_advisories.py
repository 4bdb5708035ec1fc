"""Published holes of other gateways and libraries, each tried on ours by its own name."""

from __future__ import annotations

import gzip
import hashlib
import json
import re

import pytest

from contract.errors import Code
from gateway.composition import CompositionError, SubgraphInput, compose
from gateway.federation.access_rules import access_rules
from gateway.federation.supergraph import load_supergraph
from tests.security.supergraphs import LINK

GRAPHQL = "/graphql"


def codes(answer):
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


def graph(**sdl):
    return compose(
        [SubgraphInput(name, f"http://{name}", LINK + text) for name, text in sdl.items()]
    )


def refused(**sdl):
    with pytest.raises(CompositionError) as caught:
        graph(**sdl)
    return {problem.code for problem in caught.value.problems}


def rules(**sdl):
    return access_rules(load_supergraph(graph(**sdl).sdl))


def test_ghsa_mx7m_j9xf_62hw_access_on_an_interface_is_not_for_its_types():
    """What stands on an interface alone would be lost through `... on Implementation`."""
    text = """
    type Query { a: [Secret] }
    interface Secret { token: String @authenticated }
    type Plain implements Secret { token: String }
    """
    assert refused(a=text) == {"AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE"}


def test_ghsa_m8jr_fxqx_8xx6_required_fields_bring_their_rules():
    one = 'type Query { p: P } type P @key(fields: "id") { id: ID! ssn: String @authenticated }'
    other = (
        'type P @key(fields: "id") { id: ID! ssn: String @external'
        ' risk: Int @requires(fields: "ssn") }'
    )
    assert refused(one=one, other=other) == {"MISSING_TRANSITIVE_AUTH_REQUIREMENTS"}
    composed = other.replace('"ssn")', '"ssn") @authenticated')
    assert rules(one=one, other=composed)["P", "risk"].authenticated


def test_ghsa_m8jr_fxqx_8xx6_by_another_s_supergraph_that_let_it_pass():
    one = 'type Query { p: P } type P @key(fields: "id") { id: ID! ssn: String @authenticated }'
    other = (
        'type P @key(fields: "id") { id: ID! ssn: String @external'
        ' risk: Int @requires(fields: "ssn") @authenticated }'
    )
    lax = re.sub(
        r"(risk: Int @join__field\([^)]*\)) @authenticated", r"\1", graph(one=one, other=other).sdl
    )
    assert lax.count("@authenticated") < graph(one=one, other=other).sdl.count("@authenticated")
    assert access_rules(load_supergraph(lax))["P", "risk"].authenticated


def test_ghsa_m8jr_fxqx_8xx6_arguments_from_a_context_bring_their_rules():
    sdl = """
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.8",
      import: ["@key", "@context", "@fromContext", "@authenticated"])
    type Query { p: P }
    type P @key(fields: "id") @context(name: "c") {
      id: ID!
      ssn: String @authenticated
      child: Child
    }
    type Child @key(fields: "id") {
      id: ID!
      risk(ssn: String @fromContext(field: "$c { ssn }")): Int
    }
    """
    inputs = [SubgraphInput("a", "http://a", sdl)]
    with pytest.raises(CompositionError) as caught:
        compose(inputs)
    assert {each.code for each in caught.value.problems} == {"MISSING_TRANSITIVE_AUTH_REQUIREMENTS"}
    open_ = sdl.replace('{ ssn }")): Int', '{ ssn }")): Int @authenticated')
    composed = compose([SubgraphInput("a", "http://a", open_)]).sdl
    lax = re.sub(r"(risk: Int [^\n]*?) @authenticated", r"\1", composed)
    assert lax != composed
    assert access_rules(load_supergraph(lax))["Child", "risk"].authenticated


def test_federation_3321_rules_of_several_subgraphs_all_hold():
    text = (
        'type P @key(fields: "id") @shareable'
        ' {{ id: ID! x: Int @requiresScopes(scopes: [["{0}"]]) }}'
    )
    found = rules(one="type Query { p: P }" + text.format("a"), other=text.format("b"))
    sets = {frozenset(names) for each in found["P", "x"].scopes for names in each}
    assert sets in ({frozenset({"a", "b"})}, {frozenset({"a"}), frozenset({"b"})})
    assert len(found["P", "x"].scopes) == (1 if len(sets) == 1 else 2)


@pytest.mark.parametrize(
    ("link", "used"),
    [
        ('import: [{name: "@authenticated", as: "@locked"}]', "@locked"),
        ('as: "fed"', "@fed__authenticated"),
        ("import: []", "@federation__authenticated"),
    ],
)
def test_ghsa_g8jh_vg5j_4h3f_renamed_directives_are_the_same(link, used):
    sdl = (
        f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", {link})\n'
        f"type Query {{ open: Int  closed: Int {used} }}"
    )
    composed = compose([SubgraphInput("a", "http://a", sdl)]).sdl
    found = access_rules(load_supergraph(composed))
    assert found["Query", "closed"].authenticated
    assert ("Query", "open") not in found


def doubling(levels, leaf):
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return "{ ...F0 } " + " ".join(parts) + f" fragment F{levels} on Query {{ {leaf} }}"


@pytest.mark.parametrize("levels", [20, 64, 300])
@pytest.mark.parametrize("leaf", ["__typename", "a: me { subject }"])
def test_ghsa_q2f9_x4p4_7xmh_doubling_fragments(demo, levels, leaf):
    """2^20 fields and more, also beyond 2^64 (CVE-2025-32033): refused or answered, at once."""
    response = demo.post({"query": doubling(levels, leaf)}, timeout=20)
    assert response.status_code in (200, 400)
    assert set(codes(response.json())) <= {Code.OPERATION_TOO_LARGE}


@pytest.mark.parametrize(
    "query",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { me { subject } ...A }",
    ],
)
def test_cve_2026_47706_circular_fragments(demo, query):
    assert set(codes(demo.ask(query))) == {Code.GRAPHQL_VALIDATION_FAILED}


def test_cve_2026_47707_aliases_multiplied_by_fragments(demo):
    many = " ".join(f"a{n}: subject" for n in range(25))
    query = f"{{ x: me {{ ...F }} y: me {{ ...F }} }} fragment F on Viewer {{ {many} }}"
    answer = demo.ask(query)
    assert codes(answer) == [Code.OPERATION_TOO_LARGE]


def test_cve_2023_26144_overlapping_fields(demo):
    inner = "subject " * 20
    query = "{ me { " + " ".join(f"... {{ {inner} }}" for _ in range(80)) + " } }"
    response = demo.post({"query": query}, timeout=20)
    assert set(codes(response.json())) <= {Code.OPERATION_TOO_LARGE}


@pytest.mark.parametrize(
    "name",
    ["__proto__", "constructor", "__class__", "__dict__", "__init__", "__globals__", "toString"],
)
def test_cve_2026_32621_names_are_data(demo, name):
    answer = demo.ask(f"query {name} {{ {name}: me {{ {name}: subject }} }}")
    assert answer == {"data": {name: {name: "clinician-1"}}}
    canary = demo.ask(
        "query($v: String) { patients(search: $v) { nodes { id } } }", {"v": "zz", name: {name: 1}}
    )
    assert canary == {"data": {"patients": {"nodes": []}}}


def test_cve_2024_32971_one_document_s_plans_are_told_apart(demo):
    """By operation name, by variables, by who asks."""
    query = (
        "query A { me { subject } } query B { me { roles } }"
        " query C($on: Boolean!) { me { subject @include(if: $on) roles @skip(if: $on) } }"
    )

    def ask(name, persona="clinician", **variables):
        body = {"query": query, "operationName": name, "variables": variables}
        return demo.post(body, persona).json()["data"]["me"]

    for _ in range(2):
        assert ask("A") == {"subject": "clinician-1"}
        assert ask("B") == {"roles": ["clinician"]}
        assert ask("C", on=True) == {"subject": "clinician-1"}
        assert ask("C", on=False) == {"roles": ["clinician"]}
        assert ask("A", "biller") == {"subject": "biller-1"}
    literals = [f"{{ patients(first: {n}) {{ nodes {{ id }} }} }}" for n in (0, 1, 2)]
    assert [len(demo.ask(each)["data"]["patients"]["nodes"]) for each in literals] == [0, 1, 2]


def raw(demo, body, persona="clinician", method="POST", **headers):
    token = demo.sandbox.persona_token(persona)
    given = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return demo.http.request(method, demo.gateway + GRAPHQL, content=body, headers=given)


def test_cve_2024_28101_compressed_bodies_are_not_unpacked(demo):
    bomb = gzip.compress(b" " * 64_000_000)
    assert raw(demo, bomb, content_encoding="gzip").status_code == 415


def test_cve_2024_43783_endless_bodies(demo):
    def chunks():
        yield b'{"query": "{ me { subject } }", "x": "'
        for _ in range(200):
            yield b"x" * 65_536

    response = raw(demo, chunks())
    assert response.status_code == 413
    assert codes(response.json()) == [Code.PAYLOAD_TOO_LARGE]


@pytest.mark.parametrize(
    "query", ["subscription { me { subject } }", "subscription { __typename }"]
)
def test_cve_2023_41317_anonymous_subscriptions(demo, query):
    response = demo.post({"query": query})
    assert response.status_code in (200, 400)
    assert codes(response.json())[0] in (
        Code.GRAPHQL_VALIDATION_FAILED,
        Code.OPERATION_RESOLUTION_FAILURE,
    )


@pytest.mark.parametrize("charset", ["utf-7", "cesu-8", "utf-16", "shift_jis", "ibm500"])
def test_ghsa_mp6q_xf9x_fwf7_exotic_charsets(demo, charset):
    body = b'{"query": "{ me { subject } }"}'
    assert raw(demo, body, content_type=f"application/json; charset={charset}").status_code == 415


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ghsa_9q82_xgwf_vj6h_requests_a_foreign_page_can_send(demo, kind, method):
    """CVE-2024-47082 is the multipart one."""
    body = b'{"query": "{ me { subject } }"}' if method == "POST" else b""
    assert raw(demo, body, method=method, content_type=kind).status_code == 415


def test_answers_are_for_nobody_s_cache(demo):
    """GHSA-8r69-3cvp-wxc3."""
    for body in ({"query": "{ me { subject } }"}, {"query": "{"}, []):
        assert demo.post(body).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_json_and_deep_documents(demo, depth):
    deep = b"[" * depth + b"]" * depth
    response = raw(demo, b'{"query": "{ me { subject } }", "variables": {"x": ' + deep + b"}}")
    assert response.status_code in (200, 400)
    query = "{ me " * min(depth, 5000) + "{ subject }" + "}" * min(depth, 5000)
    assert codes(demo.ask(query))[0] in (
        Code.OPERATION_TOO_LARGE,
        Code.GRAPHQL_VALIDATION_FAILED,
        Code.GRAPHQL_PARSE_FAILED,
    )


def test_a_hash_is_of_its_document(demo):
    query = "{ me { subject } }"
    digest = hashlib.sha256(b"{ me { roles } }").hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    answer = demo.post({"query": query, "extensions": extensions}).json()
    assert codes(answer) == [Code.PERSISTED_QUERY_HASH_MISMATCH]
    later = json.dumps(demo.post({"extensions": extensions}).json())
    assert Code.PERSISTED_QUERY_NOT_FOUND in later
