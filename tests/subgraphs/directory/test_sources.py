"""Directories and care teams behind FHIR keep the contract of all sources."""

import pytest

from subgraphs.connectors.errors import Rejected
from subgraphs.directory.model import Practitioner
from subgraphs.directory.sources.fhir import FhirDirectory, FhirTeams
from subgraphs.runtime.gathering import Answer
from tests.subgraphs.sources import FhirServerHolding, SourceContract

BASE = "https://ehr.example/fhir/"


class TestFhirTeams(SourceContract):
    def row(self, id_, patient):
        return {"id": id_, "status": "active", "subject": {"reference": f"Patient/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await FhirTeams(FhirServerHolding(held, error)).care_teams(patients)

    async def test_a_server_that_takes_no_list_of_statuses_is_asked_for_the_active_ones(self):
        asked, row = [], self.row

        class TakesOne(FhirServerHolding):
            async def search_by(self, type_, param, keys, others=None):
                asked.append(others["status"])
                if "," in others["status"]:
                    raise Rejected(400)
                return await super().search_by(type_, param, keys, others)

        source = FhirTeams(TakesOne({"p1": [row("1", "p1")]}, None))
        for _ in range(2):
            assert [team.id for team in (await source.care_teams(["p1"])).rows["p1"]] == ["1"]
        assert [status.count(",") for status in asked] == [3, 0, 0]


class TestFhirDirectory(SourceContract):
    """By practitioner, whose roles are asked for."""

    def row(self, id_, patient):
        return {"id": id_, "practitioner": {"reference": f"{BASE}Practitioner/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await FhirDirectory(FhirServerHolding(held, error), BASE).roles_of(patients)


class TestIdentified(SourceContract):
    """By identifier: a token without a system here."""

    def row(self, id_, patient):
        return {"id": id_, "identifier": [{"value": patient}]}

    async def ask(self, patients, held, error=None):
        server = FhirServerHolding({f"|{key}": rows for key, rows in held.items()}, error)
        found = await FhirDirectory(server, BASE).identified(
            Practitioner, [f"|{key}" for key in patients]
        )
        rows = {token[1:]: rows for token, rows in found.rows.items()}
        return Answer(rows, frozenset(token[1:] for token in found.damaged))


@pytest.mark.parametrize("given", [{"id": "2"}, {"id": 7}])
async def test_another_resource_than_the_one_read_is_none(given):
    class Mistaken(FhirServerHolding):
        async def read(self, _type, _ids):
            return {"1": given}

    found = await FhirDirectory(Mistaken({}, None), BASE).read(Practitioner, ["1"])
    assert (found.rows, found.damaged) == ({"1": []}, frozenset({"1"}))
