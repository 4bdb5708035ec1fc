"""Messages behind FHIR keep the contract of all sources."""

from subgraphs.telehealth.sources.messages import FhirMessages
from tests.subgraphs.sources import FhirServerHolding, SourceContract


class TestFhirMessages(SourceContract):
    def row(self, id_, patient):
        return {"id": id_, "subject": {"reference": f"Patient/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await FhirMessages(FhirServerHolding(held, error)).messages(patients)
