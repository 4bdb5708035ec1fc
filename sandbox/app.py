"""Puts the sandbox together, tells when it is ready, and ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.control import ControlPanel
from sandbox.core.server import USERNAME, CoreServer
from sandbox.data.authorizations import placed
from sandbox.data.claim_files import PAYER_ID
from sandbox.data.consents import sign_consents
from sandbox.data.population import EHR_A, EHR_B, PAYER, TITLES, Population, build_population
from sandbox.fhir.server import ROOT, FhirServer
from sandbox.fhir.store import Store
from sandbox.issuer.clients import SERVICE_CLIENT, registered_clients
from sandbox.issuer.server import IssuerServer
from sandbox.issuer.sessions import Sessions
from sandbox.issuer.tokens import GATEWAY_AUDIENCE, TokenMint
from sandbox.keyfiles import KeyFiles, load_keys, write_private
from sandbox.pas.notices import open_notices
from sandbox.pas.operations import PasOperations
from sandbox.payments.server import PaymentServer, open_payments
from sandbox.personas import Persona, personas
from sandbox.telehealth.vendors import NAMES as VENDORS
from sandbox.telehealth.vendors import VideoVendors, open_vendors
from sandbox.telehealth.vendors import described as described_vendors
from sandbox.upstream import Upstream
from sandbox.x12.desk import Desk
from sandbox.x12.server import RECEIVER_ID, SENDER_ID, ClearinghouseServer

# In the order of their ports.
NAMES = ("issuer", EHR_A, EHR_B, PAYER, "payer-x12", *VENDORS, "payer-core", "payments", "control")
_PAGE_CAPS = {EHR_A: 1000, EHR_B: 400, PAYER: 100}
_PARENT_WATCH_SECONDS = 0.5


class StartError(Exception):
    """The sandbox cannot start; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Options:
    seed: int
    patients: int
    home: Path
    ports: int
    ready_file: Path
    today: date
    parent_pid: int | None = None
    webhook_url: str | None = None


async def run(options: Options) -> None:
    """Until a signal, or the end of the parent. Raises StartError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    systems = await _open(options.ports)
    home = options.home.resolve()
    keys = load_keys(home)
    payments = open_payments(keys, options.webhook_url)
    ready, vendors = _fill(systems, options, keys, home / "sandbox-truth.json", payments)
    write_private(options.ready_file.resolve(), json.dumps(ready, indent=2))
    watch = loop.create_task(_watch_parent(options.parent_pid, stop))
    await stop.wait()
    watch.cancel()
    options.ready_file.unlink(missing_ok=True)
    await vendors.close()
    await payments.webhooks.close()
    for system in systems.values():
        await system.close()


async def _open(first_port: int) -> dict[str, Upstream]:
    systems = {name: Upstream(name) for name in NAMES}
    for place, system in enumerate(systems.values()):
        port = first_port + place if first_port else 0
        try:
            await system.open(port)
        except OSError:
            raise StartError(f"port {port} is taken; choose others with --ports") from None
    return systems


def _fill(
    systems: Mapping[str, Upstream],
    options: Options,
    keys: KeyFiles,
    truth_file: Path,
    payments: PaymentServer,
) -> tuple[dict[str, Any], VideoVendors]:
    """Give each system its data; what the ready file is to say."""
    try:
        population = build_population(options.seed, options.patients, options.today)
    except ValueError as error:
        raise StartError(f"--patients: {error}") from None
    people = personas(
        population.launch_patient, population.clinician, population.child, population.guardian
    )
    vendors = _mount(systems, population, people, keys, options.webhook_url, payments)
    write_private(truth_file, json.dumps(population.truth.as_json()))
    files = _write_claims(population, options.home.resolve() / "claims")
    signed = sign_consents(EHR_A, population.resources[EHR_A])
    given = {"claim_files": files, "consents": [asdict(consent) for consent in signed]}
    return _ready(options, systems, people, keys, truth_file) | given, vendors


def _write_claims(population: Population, folder: Path) -> list[str]:
    """What a clearinghouse would hand in, in the order of time."""
    for name, text in population.claim_files.items():
        write_private(folder / name, text)
    return [str(folder / name) for name in population.claim_files]


def _mount(
    systems: Mapping[str, Upstream],
    population: Population,
    people: Mapping[str, Persona],
    keys: KeyFiles,
    webhook_url: str | None,
    payments: PaymentServer,
) -> VideoVendors:
    issuer = systems["issuer"].url
    mint = TokenMint(issuer, keys.issuer_key, keys.id_key, Sessions())
    clients = registered_clients({"keys": [keys.client_key.as_dict(private=False)]})
    systems["issuer"].mount(IssuerServer(mint, clients, people))
    stores: dict[str, Store] = {}
    for name, resources in population.resources.items():
        stores[name] = Store(placed(resources, systems[EHR_A].url + ROOT))
    authorizations = PasOperations(
        stores[PAYER],
        systems[PAYER].url + ROOT,
        notices=open_notices(keys.notification_token, webhook_url),
    )
    for name, store in stores.items():
        system = systems[name]
        system.mount(
            FhirServer(
                store,
                title=TITLES[name],
                url=system.url,
                token_url=f"{issuer}/token",
                verify=mint.verify_upstream,
                faults=_faults_of(system),
                page_cap=_PAGE_CAPS[name],
                operations=authorizations.operations if name == PAYER else {},
            )
        )
    desk = Desk(population.members, population.claims, population.today)
    clearinghouse, portal = systems["payer-x12"], systems["payer-core"]
    verify = mint.verify_upstream
    clearinghouse.mount(ClearinghouseServer(desk, verify, _faults_of(clearinghouse)))
    portal.mount(CoreServer(desk, keys.core_password, _faults_of(portal)))
    vendors = open_vendors(systems, population.visits, keys, mint.verify_upstream, webhook_url)
    vendors.mount(systems)
    systems["payments"].mount(payments)
    others = {name: system for name, system in systems.items() if name != "control"}
    systems["control"].mount(ControlPanel(others, vendors, mint, authorizations, payments))
    return vendors


def _faults_of(system: Upstream) -> Any:
    return lambda: system.faults


async def _watch_parent(pid: int | None, stop: asyncio.Event) -> None:
    if pid is None:
        return
    # A dead parent may linger as a zombie; its child is given to another at once.
    direct = os.getppid() == pid
    while os.getppid() == pid if direct else _lives(pid):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(_PARENT_WATCH_SECONDS)
    stop.set()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, under another user
    return True


def _ready(
    options: Options,
    systems: Mapping[str, Upstream],
    people: Mapping[str, Persona],
    keys: KeyFiles,
    truth_file: Path,
) -> dict[str, Any]:
    """As described in `sandbox.__main__`."""
    issuer = systems["issuer"].url
    fhir = {
        name: {"url": systems[name].url + ROOT, "kind": "fhir-r4", "title": TITLES[name]}
        for name in _PAGE_CAPS
    }
    described = {name: asdict(persona) for name, persona in people.items()}
    for persona in described.values():
        del persona["name"]
    return {
        "pid": os.getpid(),
        "seed": options.seed,
        "patients": options.patients,
        "today": options.today.isoformat(),
        "control": systems["control"].url,
        "issuer": issuer,
        "token_url": f"{issuer}/token",
        "audience": GATEWAY_AUDIENCE,
        "upstreams": {
            "issuer": {"url": issuer},
            **fhir,
            "payer-x12": {
                "url": systems["payer-x12"].url + "/x12",
                "kind": "x12-270",
                "title": "Meadow Mutual eligibility",
                "payer_id": PAYER_ID,
                "sender_id": SENDER_ID,
                "receiver_id": RECEIVER_ID,
            },
            "payer-core": {
                "url": systems["payer-core"].url + "/core",
                "kind": "core-soap",
                "title": "Meadow Mutual portal",
                "payer_id": PAYER_ID,
                "sender_id": SENDER_ID,
                "receiver_id": RECEIVER_ID,
                "auth": {
                    "kind": "username-token",
                    "username": USERNAME,
                    "password_file": str(keys.core_password_file),
                },
            },
            "payer-pas": {
                "url": systems[PAYER].url + ROOT,
                "kind": "davinci-pas",
                "title": "Meadow Mutual prior authorization",
            },
            **described_vendors(systems, keys),
            "payments": {
                "url": systems["payments"].url,
                "kind": "payments",
                "title": "Card payments, in the sandbox",
                "auth": {"kind": "bearer-file", "token_file": str(keys.payments_key_file)},
            },
        },
        "client": {
            "client_id": SERVICE_CLIENT,
            "key_file": str(keys.client_key_file),
            "alg": "ES384",
            "scope": "system/*.cruds",
        },
        "telehealth_key_file": str(keys.telehealth_key_file),
        "webhook_secret_file": str(keys.webhook_secret_file),
        "clearinghouse_token_file": str(keys.clearinghouse_token_file),
        "notification_token_file": str(keys.notification_token_file),
        "payments_secret_file": str(keys.payments_secret_file),
        "truth_file": str(truth_file),
        "personas": described,
    }
