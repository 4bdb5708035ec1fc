"""Payers by FHIR keep the contract of all sources."""

from typing import ClassVar

import pytest

from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.payer import Payer, explained
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from tests.subgraphs.sources import FhirServerHolding, SourceContract


class TestPayer(SourceContract):
    def row(self, id_, patient):
        owner = {"reference": f"Patient/{patient}"}
        return {"id": id_, "beneficiary": owner, "patient": owner}

    async def ask(self, patients, held, error=None):
        return await Payer(FhirServerHolding(held, error)).coverages(patients)


class TestExplanations(TestPayer):
    async def ask(self, patients, held, error=None):
        return explained(await Payer(FhirServerHolding(held, error)).explanations(patients))


class TestPriorAuthorizations(SourceContract):
    """Over requests; answers and explanations are asked for in the same breath, and are none."""

    def row(self, id_, patient):
        owner = {"reference": f"Patient/{patient}"}
        return {"id": id_, "use": "preauthorization", "patient": owner}

    async def ask(self, patients, held, error=None):
        class Server(FhirServerHolding):
            async def capabilities(self):
                return Capabilities(types=frozenset({"Claim"}))

        server = Server(held, error)
        return await PriorAuthorizations(server).of_patients(Payer(server).explanations, patients)


class TestClaimFiles(SourceContract):
    def row(self, id_, patient):
        return {"id": id_, "patient": {"reference": f"Patient/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await ClaimFiles(FhirServerHolding(held, error)).claims(patients)


@pytest.mark.parametrize(
    ("types", "asked"),
    [
        ((), {"Claim", "ClaimResponse", "ExplanationOfBenefit"}),
        (("ExplanationOfBenefit", "Patient"), {"ExplanationOfBenefit"}),
        (("Claim", "ClaimResponse"), {"Claim", "ClaimResponse"}),
    ],
)
async def test_a_payer_is_asked_for_what_it_says_it_has(types, asked):
    class Server(FhirServerHolding):
        asked: ClassVar[set[str]] = set()

        async def capabilities(self):
            return Capabilities(types=frozenset(types))

        async def search_by(self, type_, param, keys, others=None):
            self.asked.add(type_)
            return await super().search_by(type_, param, keys, others)

    server = Server({}, None)
    Server.asked = set()
    await PriorAuthorizations(server).of_patients(Payer(server).explanations, ["p1"])
    assert server.asked == asked
