"""The bypass matrix against the running demo: every way to what a caller may not see.

A biller may not read conditions, a partner no laboratory values, a patient nobody else's record and
staff nothing that is labelled; each is tried on every way that GraphQL offers.
"""

from __future__ import annotations

import hashlib
import json

import pytest

from contract.errors import Code

HIDDEN = "conditions { nodes { id code { text } } }"
WAYS = [
    pytest.param(f"patient(id: $id) {{ {HIDDEN} }}", "", id="plain"),
    pytest.param(f"patient(id: $id) {{ name: {HIDDEN} }}", "", id="alias of an open field's name"),
    pytest.param(f"p: patient(id: $id) {{ a: {HIDDEN} b: {HIDDEN} }}", "", id="two aliases"),
    pytest.param(f"patient(id: $id) {{ ... {{ {HIDDEN} }} }}", "", id="inline fragment"),
    pytest.param(f"patient(id: $id) {{ ... on Patient {{ {HIDDEN} }} }}", "", id="on its own type"),
    pytest.param(
        "patient(id: $id) { ...F }", f"fragment F on Patient {{ {HIDDEN} }}", id="named fragment"
    ),
    pytest.param(
        "patient(id: $id) { ...F }",
        f"fragment F on Patient {{ ...G }} fragment G on Patient {{ ... {{ {HIDDEN} }} }}",
        id="nested fragments",
    ),
    pytest.param(
        "...R", f"fragment R on Query {{ patient(id: $id) {{ {HIDDEN} }} }}", id="at root"
    ),
    pytest.param("patient(id: $id) { conditions { __typename } }", "", id="only its type's name"),
    pytest.param(
        "patient(id: $id) { conditions { pageInfo { hasNextPage } } }", "", id="page info"
    ),
    pytest.param("patient(id: $id) { conditions { sources { state } } }", "", id="sources"),
    pytest.param(
        "patient(id: $id) { a: conditions(first: 1) { nodes { id } }"
        ' b: conditions(clinicalStatus: "active") { nodes { id } } }',
        "",
        id="twice with other arguments",
    ),
    pytest.param(
        f"patient(id: $id) {{ id ... @include(if: $yes) {{ {HIDDEN} }} }}", "", id="@include"
    ),
    pytest.param(f"patient(id: $id) {{ id ... @skip(if: $no) {{ {HIDDEN} }} }}", "", id="@skip"),
    pytest.param(f"patients(first: 9) {{ nodes {{ {HIDDEN} }} }}", "", id="list"),
    pytest.param(f"patients(first: 9) {{ edges {{ node {{ {HIDDEN} }} }} }}", "", id="edge"),
]


@pytest.fixture(scope="module")
def launch(demo_process):
    asked = demo_process.ask("{ me { patient { id } } }", persona="patient")
    return asked["data"]["me"]["patient"]["id"]


def codes(answer):
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


def searched(demo):
    """The resource types that any upstream was searched for since the test began."""
    counted = (source["calls"] for source in demo.sandbox.calls().values())
    return {type_ for calls in counted for type_ in calls.get("search", {})}


def wrap(selection, fragments):
    flags = [
        f"${n}: Boolean = {v}"
        for n, v in (("yes", "true"), ("no", "false"))
        if f"${n}" in selection
    ]
    used = ["$id: ID!"] if "$id" in selection + fragments else []
    head = ", ".join([*used, *flags])
    return f"query Q{f'({head})' if head else ''} {{ {selection} }} {fragments}"


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    else:
        yield path, value


@pytest.mark.parametrize(("selection", "fragments"), WAYS)
def test_a_biller_gets_no_conditions_on_any_way(demo, launch, selection, fragments):
    query = wrap(selection, fragments)
    answer = demo.ask(query, {"id": launch} if "$id" in query else {}, "biller")
    shown = [value for path, value in leaves(answer["data"]) if path[-1] != "id"]
    assert not any(shown)
    assert codes(answer) == {Code.SCOPE_REQUIRED}
    assert all("Condition.rs" in str(e["extensions"]["scopes"]) for e in answer["errors"])
    assert "Condition" not in searched(demo)


@pytest.mark.parametrize(("selection", "fragments"), WAYS)
def test_a_clinician_gets_them_on_every_way(demo, launch, selection, fragments):
    query = wrap(selection, fragments)
    answer = demo.ask(query, {"id": launch} if "$id" in query else {})
    assert "errors" not in answer
    assert [value for path, value in leaves(answer["data"]) if value is not None]


def test_a_stronger_role_s_answers_are_nobody_else_s(demo, launch):
    """The same document, interleaved: documents, decisions, plans and shapes are all cached."""
    query = "query($id: ID!) { patient(id: $id) { name { text } ssn conditions { nodes { id } } } }"
    answers = {}
    for _ in range(2):
        for persona in (
            "clinician",
            "biller",
            "patient",
            "partner",
            "privacy-officer",
            "developer",
        ):
            answer = demo.ask(query, {"id": launch}, persona)
            for error in answer.get("errors", ()):
                error["extensions"].pop("requestId")
            answers.setdefault(persona, []).append(answer)
    assert all(first == second for first, second in answers.values())
    seen = {name: (both[0]["data"]["patient"] or {}) for name, both in answers.items()}
    assert seen["clinician"]["conditions"]["nodes"]
    assert seen["patient"]["conditions"]["nodes"]
    assert [seen[each]["conditions"] for each in ("biller", "partner", "privacy-officer")] == [
        None
    ] * 3
    assert seen["developer"] == {}
    assert {each.get("ssn") for each in seen.values()} == {None}


@pytest.mark.parametrize("persona", ["patient", "partner"])
@pytest.mark.parametrize("root", ["patient(id: $id)", "p: patient(id: $id)"])
def test_a_patient_s_app_finds_nobody_else(demo, launch, persona, root):
    others = [each["id"] for each in demo.patients(5) if each["id"] != launch]
    query = f"query($id: ID!) {{ {root} {{ id name {{ text }} }} }}"
    unknown = demo.ask(query, {"id": "AAAA"}, persona)
    for other in others:
        answer = demo.ask(query, {"id": other}, persona)
        assert without_id(answer) == without_id(unknown)


def without_id(answer):
    return json.loads(
        json.dumps(answer), object_hook=lambda o: {k: o[k] for k in o if k != "requestId"}
    )


def test_ids_of_another_kind_find_nothing(demo, launch):
    query = (
        "query($id: ID!) { patient(id: $id) {"
        " conditions(first: 1) { nodes { id } edges { cursor } }"
        " observations(first: 1) { nodes { id } } coverages { nodes { id } } } }"
    )
    patient = demo.ask(query, {"id": launch})["data"]["patient"]
    foreign = [part for path, part in leaves(patient) if path[-1] in ("id", "cursor")]
    assert len(foreign) >= 4
    for id_ in foreign:
        answer = demo.ask("query($id: ID!) { patient(id: $id) { name { text } } }", {"id": id_})
        assert answer == {"data": {"patient": None}}


def test_a_cursor_is_of_one_list_of_one_patient(demo, launch):
    query = (
        "query($id: ID!, $c: String) { patient(id: $id)"
        " { conditions(first: 1, after: $c) { edges { cursor } } } }"
    )
    cursor = demo.ask(query, {"id": launch})["data"]["patient"]["conditions"]["edges"][0]["cursor"]
    other = next(each["id"] for each in demo.patients(5) if each["id"] != launch)
    patients = "query($c: String) { patients(after: $c) { nodes { id } } }"
    for elsewhere, id_ in (
        (query, other),
        (query.replace("conditions", "procedures"), launch),
        (patients, None),
    ):
        whole = demo.ask(elsewhere, {"id": id_})
        assert demo.ask(elsewhere, {"id": id_, "c": cursor}) == whole
        assert "errors" not in whole


@pytest.mark.parametrize(
    "query",
    [
        "{ _service { sdl } }",
        "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        "query($id: ID!) { patient(id: $id) { links } }",
        "{ patients { nodes { nextAppointment { visitKey } } } }",
    ],
)
def test_what_is_the_subgraphs_own_is_no_part_of_the_graph(demo, query):
    response = demo.post({"query": query, "variables": {"id": "x", "r": []}})
    (error, *_) = response.json()["errors"]
    assert error["extensions"]["code"] == Code.GRAPHQL_VALIDATION_FAILED
    name = next(
        n for n in ("_service", "_entities", "links", "visitKey", "_Any") if n in error["message"]
    )
    unknown = demo.post({"query": query.replace(name, "nothingOfTheKind")}).json()["errors"]
    assert error["message"].replace(name, "nothingOfTheKind") in [e["message"] for e in unknown]


def test_introspection_shows_nothing_inaccessible(demo):
    shown = json.dumps(
        demo.ask("{ __schema { types { name fields { name } } directives { name } } }")
    )
    for name in ("links", "visitKey", "_entities", "_service", "_Any", "join__", "requiresScopes"):
        assert f'"{name}' not in shown


OF_OTHERS = {
    "bookAppointment": "tests/subgraphs/scheduling/test_booking.py",
    "rescheduleAppointment": "tests/subgraphs/scheduling/test_booking.py",
    "cancelAppointment": "tests/subgraphs/scheduling/test_booking.py",
    "joinVirtualVisit": "tests/subgraphs/telehealth/test_joining.py",
    "sendMessage": "tests/subgraphs/telehealth/test_messages.py",
    "requestRefill": "tests/subgraphs/medications/test_refills.py",
    "checkEligibility": "tests/subgraphs/coverage/test_checking.py",
    "submitPriorAuthorization": "tests/subgraphs/coverage/test_authorizing.py",
    "withdrawPriorAuthorization": "tests/subgraphs/coverage/test_authorizing.py",
    "payInvoice": "tests/subgraphs/coverage/test_paying.py",
    "recordConsent": "tests/subgraphs/governance/test_consents.py",
    "revokeConsent": "tests/subgraphs/governance/test_consents.py",
    "breakGlass": "tests/subgraphs/governance/test_breaking.py",
    "reviewBreakGlass": "tests/subgraphs/governance/test_breaking.py",
}
"""What no steward decides, with where it is tried who may."""
CHANGES = {
    "linkPatients": 'patient: "a", other: "b"',
    "mergeRecords": 'prior: "a", surviving: "b"',
    "unlinkRecords": 'records: ["a"]',
    "unmergeRecord": 'prior: "a"',
    "decideIdentityReview": 'review: "a", verdict: ONE',
}


@pytest.mark.parametrize("alias", ["", "patient: "], ids=["plain", "alias"])
@pytest.mark.parametrize("persona", ["clinician", "biller", "patient", "partner", "developer"])
def test_nobody_but_a_steward_changes_who_is_who(demo, persona, alias):
    shown = demo.ask('{ __type(name: "Mutation") { fields { name } } }')
    found = {each["name"] for each in shown["data"]["__type"]["fields"]}
    assert found - OF_OTHERS.keys() == CHANGES.keys()
    patients = [each["id"] for each in demo.patients(50)]
    for change, what in CHANGES.items():
        query = (
            f'mutation {{ {alias}{change}(input: {{idempotencyKey: "{persona}{alias}", reason: "r",'
            f" {what}}}) {{ __typename ... {{ ... on Denied {{ __typename }} }} }} }}"
        )
        answer = demo.ask(query, persona=persona)
        assert set(answer["data"].values()) == {None}
        assert codes(answer) == {Code.FORBIDDEN}
        assert answer["errors"][0]["extensions"]["policies"] == [["identity-steward"]]
    assert [each["id"] for each in demo.patients(50)] == patients


def test_batches_are_refused_whole(demo):
    response = demo.post([{"query": "{ me { subject } }"}] * 2)
    assert (response.status_code, codes(response.json())) == (400, {Code.BAD_REQUEST})


@pytest.mark.parametrize("persona", ["biller", "partner", "developer"])
def test_a_cached_document_of_another_client_gives_its_own_rights_only(demo, launch, persona):
    """An automatic persisted query is shared, the rights to run it are not."""
    query = f"query($id: ID!) {{ patient(id: $id) {{ name {{ text }} {HIDDEN} }} }} # {persona}"
    extension = {
        "persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}
    }
    body = {"variables": {"id": launch}, "extensions": extension}
    assert "errors" not in demo.post({**body, "query": query}).json()
    answer = demo.post(body, persona).json()
    assert not (answer["data"]["patient"] or {}).get("conditions")
    assert codes(answer) == {Code.SCOPE_REQUIRED}


PLAN = (
    "query($id: ID!) { patient(id: $id) { ssn conditions { nodes { id } }"
    " appointments { nodes { virtualVisit { joinUrl } } } } }"
)


def test_the_plan_view_runs_nothing_and_shows_only_what_the_caller_may(demo, launch):
    def plan(persona, variables=None):
        token = (
            {"authorization": f"Bearer {demo.sandbox.persona_token(persona)}"} if persona else {}
        )
        body = {"query": PLAN, "variables": variables or {}}
        return demo.http.post(f"{demo.gateway}/plan", json=body, headers=token)

    demo.sandbox.reset_calls()
    clinician, biller = plan("clinician", {"id": launch}), plan("biller", {"id": launch})
    assert launch not in clinician.text
    assert "conditions" in clinician.json()["plan"]
    assert "ssn" not in clinician.json()["plan"]
    assert "conditions" not in biller.json()["plan"]
    assert "appointments" not in biller.json()["plan"]
    assert {each["field"] for each in biller.json()["denied"]} >= {
        "patient.ssn",
        "patient.conditions",
    }
    assert plan(None).status_code == 401
    assert not searched(demo) & {"Condition", "Appointment"}


def test_variables_stay_out_of_errors(demo):
    canary = "Canary-7f3a-1968-03-14"
    for query in (
        "query($id: ID!) { patient(id: $id) { id } }",
        "query($id: Int) { patients(first: $id) { nodes { id } } }",
        "query($id: String) { patients(after: $id) { nodes { id } } }",
        "query($id: Wrong) { patients(search: $id) { nodes { id } } }",
        'query($id: String) { patients(search: $id, first: "Canary-7f3a") { nodes { id } } }',
        f'{{ patient(id: "{canary}") {{ id }} }}',
        f'{{ patient(id: "{canary}) {{ id }} }}',
        f'query($id: String) {{ patients(first: {{a: "{canary}"}}) {{ nodes {{ id }} }} }}',
    ):
        for variables in ({"id": canary}, {"id": {"deep": [canary]}}, {canary: canary}, {}):
            assert "Canary" not in demo.post({"query": query, "variables": variables}).text
