"""A FHIR server without the network, and the population the sandbox serves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

import pytest

from sandbox.data.population import Population, build_population
from sandbox.faults import Faults
from sandbox.fhir.access import Grant
from sandbox.fhir.server import FhirServer
from sandbox.httpserver import Request, Response
from sandbox.wire import decode, encode
from sandbox.x12.desk import Desk
from sandbox.x12.server import ClearinghouseServer
from tests.sandbox.edi import ADA, GONE
from tests.sandbox.oauth import Issuer

TODAY = date(2026, 11, 22)
URL = "http://ehr.example"
GRANTS = {
    "reader": Grant("gateway", ("system/*.rs",)),
    "writer": Grant("gateway", ("system/*.cruds",)),
    "only-patients": Grant("gateway", ("system/Patient.rs",)),
}


@pytest.fixture(scope="session")
def population() -> Population:
    return build_population(7, 64, TODAY)


@pytest.fixture(scope="session")
def eligibility() -> ClearinghouseServer:
    desk = Desk([ADA, GONE], [], datetime.combine(TODAY, time(), UTC))
    return ClearinghouseServer(desk, {"good": Grant("gateway", ())}.get, Faults)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@dataclass
class Ehr:
    """Asks a FhirServer directly; `faults` may be exchanged between two questions."""

    resources: list
    page_cap: int = 100
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self):
        self.server = FhirServer(
            self.resources,
            title="Test",
            url=URL,
            token_url="http://issuer.example/token",
            verify=GRANTS.get,
            faults=lambda: self.faults,
            page_cap=self.page_cap,
        )

    def ask(self, method, address, body=b"", *, token="reader", **headers) -> Response:
        """`address` is relative to the base, or whole, as a link is."""
        path, _, query = address.removeprefix(f"{URL}/fhir").lstrip("/").partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else encode(body)
        request = Request(method, f"/fhir/{path}", query, named, content)
        self.last_call = self.server.classify(request)
        return asyncio.run(self.server.respond(request))

    def get(self, address, **headers):
        response = self.ask("GET", address, **headers)
        assert response.status == 200, response.body
        return decode(response.body)

    def search(self, type_, params=(), **headers):
        pairs = list(params.items()) if isinstance(params, dict) else list(params)
        return self.get(f"{type_}?{urlencode(pairs)}", **headers)

    def ids(self, type_, params=()):
        bundle = self.search(type_, params)
        return [e["resource"]["id"] for e in bundle.get("entry", [])]


@pytest.fixture
def ehr_of():
    return Ehr


@pytest.fixture(scope="session")
def ehr_a(population) -> Ehr:
    return Ehr(population.resources["ehr-a"])


@pytest.fixture(scope="session")
def ehr_b(population) -> Ehr:
    return Ehr(population.resources["ehr-b"], page_cap=50)
