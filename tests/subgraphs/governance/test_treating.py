"""A consent for whoever treats: members of a team in its place, by every id they have."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.errors import TimedOut
from subgraphs.governance.sources.teams import FhirTeams
from subgraphs.governance.treating import ANY, CareTeams, names_teams
from subgraphs.runtime.consent import CARE_TEAM, Directives, Provision, actor_key, rule
from subgraphs.runtime.crosswalk import Link
from tests.subgraphs.runtime.test_consent import NOW, SUD, Record
from tests.subgraphs.sources import FhirServerHolding, SourceContract

NPI = "http://hl7.org/fhir/sid/us-npi"
NUMBER, OTHER = "1234567893", "1999999984"
LABELLED = Record(labels=SUD)
OPENS = Provision(permits=True, recipients=(ANY,), labels=("SUD",))


def practitioner(id_, number=None):
    numbers = [{"system": NPI, "value": number}] if number else []
    return {"resourceType": "Practitioner", "id": id_, "identifier": numbers}


def team(id_, *members, status="active", patient="p1"):
    return {
        "resourceType": "CareTeam",
        "id": id_,
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [
            each if "member" in each else {"member": {"reference": each["reference"]}}
            for each in members
        ],
    }


def who(reference):
    return {"reference": reference}


class Server:
    """An EHR: its care teams, roles and practitioners."""

    def __init__(self, teams=(), practitioners=(), roles=()):
        self.rows = {
            "CareTeam": list(teams),
            "Practitioner": list(practitioners),
            "PractitionerRole": list(roles),
        }
        self.asked = []
        self.error = None

    async def search_by(self, type_, param, keys, _others=None):
        self.asked.append((type_, param))
        if self.error:
            raise self.error
        return {key: [row for row in self.rows[type_] if _is_of(row, key)] for key in keys}

    async def read(self, type_, ids):
        self.asked.append((type_, "_id"))
        return {row["id"]: row for row in self.rows[type_] if row["id"] in set(ids)}


def _is_of(row, key):
    numbers = {f"{each['system']}|{each['value']}" for each in row.get("identifier", ())}
    return row.get("subject", {}).get("reference") == f"Patient/{key}" or key in numbers


class TestSource(SourceContract):
    def row(self, id_, patient):
        return team(id_, patient=patient)

    async def ask(self, patients, held, error=None):
        return await FhirTeams(FhirServerHolding(held, error), "https://a.example").teams(patients)


@pytest.fixture
def ehrs():
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": who("Practitioner/sp")}
    past = {"member": who("Practitioner/past"), "period": {"end": "2026-11-21"}}
    return {
        "ehr-a": Server(
            [
                team("t1", who("Practitioner/dr"), who("Patient/p1"), past),
                team("t2", who("PractitionerRole/r1")),
                team("t3", who("Practitioner/gone"), status="inactive"),
                team("t4", who("https://elsewhere.example/Practitioner/x")),
            ],
            [practitioner("dr", NUMBER), practitioner("sp"), practitioner("gone")],
            [role],
        ),
        "ehr-b": Server(
            practitioners=[
                practitioner("y", NUMBER),
                practitioner("z", OTHER),
            ]
        ),
    }


@pytest.fixture
def teams(ehrs):
    sources = {name: FhirTeams(each, f"https://{name}.example") for name, each in ehrs.items()}
    return CareTeams(sources, lambda: datetime(2026, 11, 22, tzinfo=UTC))


LINKS = (Link("ehr-a", "p1"), Link("ehr-b", "q1"))


async def refusal(teams, provision, user, record=LABELLED):
    (known,) = await teams.look_up([LINKS])
    caller = Caller("c", roles=("clinician",), fhir_user=user)
    return rule(Directives((known.in_place(provision),)), caller, NOW).refusal(record)


MEMBERS = [
    pytest.param("ehr-a/Practitioner/dr", True, id="in person"),
    pytest.param("ehr-a/Practitioner/sp", True, id="by a role"),
    pytest.param("ehr-b/Practitioner/y", True, id="by the number, at another EHR"),
    pytest.param("ehr-b/Practitioner/z", False, id="another number"),
    pytest.param("ehr-b/Practitioner/dr", False, id="the same id at another EHR"),
    pytest.param("ehr-a/Practitioner/past", False, id="no longer a member"),
    pytest.param("ehr-a/Practitioner/gone", False, id="of a team that is over"),
    pytest.param("ehr-a/Practitioner/x", False, id="of a server that is not ours"),
    pytest.param(None, False, id="nobody in particular"),
]


@pytest.mark.parametrize(("user", "treats"), MEMBERS)
async def test_who_treats_may_see_what_is_opened_to_the_team(teams, user, treats):
    assert await refusal(teams, OPENS, user) == (None if treats else "label")
    # And the other way round: nobody but the team.
    only = Provision(permits=False, exceptions=(Provision(permits=True, recipients=(ANY,)),))
    assert await refusal(teams, only, user, Record()) == (None if treats else "consent")


async def test_one_team_of_a_source_is_named_by_its_id(teams):
    def of(id_):
        key = actor_key(CARE_TEAM, f"ehr-a/CareTeam/{id_}")
        return msgspec.structs.replace(OPENS, recipients=(key,))

    assert await refusal(teams, of("t2"), "ehr-a/Practitioner/sp") is None
    assert await refusal(teams, of("t2"), "ehr-a/Practitioner/dr") == "label"
    assert await refusal(teams, of("t4"), "ehr-a/Practitioner/dr") == "label"
    # A team that is not hers, or over, is somebody nobody knows.
    denied = msgspec.structs.replace(of("t3"), permits=False, labels=())
    assert await refusal(teams, denied, "ehr-a/Practitioner/dr", Record()) == "consent"


async def test_a_number_that_an_ehr_gives_to_several_is_nobody_s(ehrs, teams):
    ehrs["ehr-b"].rows["Practitioner"].append(practitioner("twin", NUMBER))
    assert await refusal(teams, OPENS, "ehr-b/Practitioner/y") == "label"


@pytest.mark.parametrize("down", ["ehr-a", "ehr-b"])
async def test_where_a_team_cannot_be_read_it_opens_nothing_and_closes(ehrs, teams, down):
    ehrs[down].error = TimedOut("late")
    assert await refusal(teams, OPENS, "ehr-a/Practitioner/sp") == "label"
    deny = Provision(permits=False, recipients=(ANY,))
    assert await refusal(teams, deny, "ehr-a/Practitioner/other", Record()) == "consent"


async def test_many_patients_cost_a_question_for_each_type(ehrs, teams):
    people = [(Link("ehr-a", f"p{number}"),) for number in range(50)]
    await teams.look_up(people)
    assert ehrs["ehr-a"].asked == [
        ("CareTeam", "patient"),
        ("PractitionerRole", "_id"),
        ("Practitioner", "_id"),
    ]
    assert ehrs["ehr-b"].asked == [("Practitioner", "identifier")]


def test_teams_are_asked_for_only_where_a_consent_names_one():
    assert names_teams(OPENS)
    assert names_teams(Provision(permits=False, exceptions=(OPENS,)))
    assert not names_teams(Provision(permits=True, recipients=(actor_key("role", "nurse"),)))
