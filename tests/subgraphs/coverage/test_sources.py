"""A payer by FHIR keeps the contract of all sources."""

import pytest

from subgraphs.coverage.sources.payer import Payer
from tests.subgraphs.sources import FhirServerHolding, SourceContract


@pytest.mark.parametrize("question", ["coverages", "explanations"])
class TestPayer(SourceContract):
    @pytest.fixture(autouse=True)
    def _of_each_question(self, question):
        self.question = question

    def row(self, id_, patient):
        owner = {"reference": f"Patient/{patient}"}
        return {"id": id_, "beneficiary": owner, "patient": owner}

    async def ask(self, patients, held, error=None):
        return await getattr(Payer(FhirServerHolding(held, error)), self.question)(patients)
