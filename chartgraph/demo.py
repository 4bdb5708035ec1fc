"""The demo: the sandbox in a process of its own, and what a gateway must be told to use it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from chartgraph.handing_in import load_files
from schema import ROLES
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.sources_file import load_sources
from subgraphs.runtime.settings import RuntimeSettings

START_SECONDS = 60.0
NOTE = "demo.json"
"""The running demo's addresses, for `chartgraph token` and for tests."""

CLEARINGHOUSE: Final = "clearinghouse"
_EHR = [
    *("identity", "records", "diagnostics", "medications"),
    *("scheduling", "telehealth", "directory", "governance", "insight"),
]
PAYMENTS: Final = "payments"
_SERVES = {
    "ehr-a": _EHR,
    "ehr-b": _EHR,
    "payer": ["identity", "coverage", "directory", "governance"],
    "payer-x12": ["coverage"],
    "payer-core": ["coverage"],
    "payer-pas": ["coverage"],
    "telehealth": ["telehealth", "scheduling"],
    "zoom": ["telehealth"],
    "clearinghouse": ["identity", "coverage"],
    PAYMENTS: ["coverage"],
}

_ASKED: Final = {"payer-x12": ["270"], "payer-core": ["276"]}
"""The payer has two who answer in X12: a clearinghouse, and a portal that speaks SOAP."""


class DemoError(Exception):
    """The sandbox does not start; the message says where to look."""


class Upstream(msgspec.Struct, frozen=True):
    url: str
    kind: str = ""
    title: str = ""
    sender_id: str | None = None
    receiver_id: str | None = None
    channels: tuple[str, ...] = ()
    auth: dict[str, str] | None = None
    """Of a video vendor or the payment gateway, as `sources.yaml` wants it."""
    payer_id: str | None = None


class Client(msgspec.Struct, frozen=True):
    client_id: str
    key_file: str
    scope: str


class Persona(msgspec.Struct, frozen=True):
    title: str
    patient: str | None = None
    """The launch patient's id in EHR-A."""


class SignedConsent(msgspec.Struct, frozen=True):
    """`sandbox.data.consents`"""

    source: str
    patient: str
    organization: str
    label: str
    is_revoked: bool


class Sandbox(msgspec.Struct, frozen=True):
    """What the sandbox says of itself once it is ready; see `sandbox.__main__`."""

    control: str
    issuer: str
    token_url: str
    audience: str
    upstreams: dict[str, Upstream]
    client: Client
    telehealth_key_file: str
    webhook_secret_file: str
    clearinghouse_token_file: str
    notification_token_file: str
    payments_secret_file: str
    claim_files: tuple[str, ...]
    """X12 files of claims and payments, in the order of time."""
    personas: dict[str, Persona]
    consents: tuple[SignedConsent, ...]


class Note(msgspec.Struct, frozen=True):
    """`demo.json`: where the running demo is."""

    gateway: str
    issuer: str
    control: str
    personas: tuple[str, ...]


@contextlib.contextmanager
def sandbox(home: Path, *, webhook_url: str, seed: int, patients: int) -> Iterator[Sandbox]:
    """Run the sandbox for the time being; it also ends when this process is killed."""
    folder = home / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    ready, log = folder / "ready.json", folder / "sandbox.log"
    ready.unlink(missing_ok=True)
    options = {
        "home": folder,
        "ready-file": ready,
        "parent-pid": os.getpid(),
        "webhook-url": webhook_url,
        "seed": seed,
        "patients": patients,
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "sandbox", *arguments]
    with log.open("wb") as output:
        # A session of its own: an interrupt typed at us must not reach it before we are done.
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - our own module
        try:
            yield _await_ready(process, ready, log)
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def write_sources(demo: Sandbox, path: Path) -> None:
    """The sandbox's upstreams as `sources.yaml`."""
    sources = {name: _source(demo, name) for name in _SERVES}
    path.write_text(yaml.safe_dump({"sources": sources}, sort_keys=False), encoding="utf-8")


def issuers(demo: Sandbox) -> tuple[Mapping[str, Any], ...]:
    """The sandbox's issuer as the gateway's settings want it."""
    # A launch patient and a clinician of the sandbox are known by their ids in EHR-A.
    issuer = {"issuer": demo.issuer, "audience": [demo.audience], "patient_source": "ehr-a"}
    introspection = {"client_id": demo.client.client_id, "key_file": demo.client.key_file}
    given = {"roles": str(ROLES), "typed_only": True, "introspection": introspection}
    return ({**issuer, **given},)


def write_note(home: Path, note: Note) -> None:
    draft = home / f"{NOTE}.draft"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(note)))
    draft.replace(home / NOTE)


def read_note(home: Path) -> Note:
    try:
        return msgspec.json.decode((home / NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        raise DemoError(
            f"no demo is running in {home}. Start one with `chartgraph up --demo`."
        ) from None


def hand_in_claims(demo: Sandbox, settings: RuntimeSettings) -> None:
    """As the clearinghouse would, once for good: what was taken is not taken again."""
    (inbox,) = (
        source for source in load_sources(settings.sources_file) if source.id == CLEARINGHOUSE
    )
    assert isinstance(inbox, InboxSource)
    contents = [Path(file).read_bytes() for file in demo.claim_files]
    asyncio.run(load_files(settings, inbox, contents))


def _clearinghouse(demo: Sandbox) -> dict[str, Any]:
    payer = demo.upstreams["payer-x12"]
    members = "https://payer.example/member"
    return {
        "kind": "inbox",
        "title": "Claims and payments",
        "serves": _SERVES[CLEARINGHOUSE],
        "token_file": demo.clearinghouse_token_file,
        "payers": {payer.payer_id: {"source": "payer", "members": members}},
    }


def _source(demo: Sandbox, name: str) -> dict[str, Any]:
    if name == CLEARINGHOUSE:
        return _clearinghouse(demo)
    upstream = demo.upstreams[name]
    source: dict[str, Any] = {
        "kind": upstream.kind,
        "title": upstream.title,
        "url": upstream.url,
        "serves": _SERVES[name],
    }
    if name in _ASKED:
        source |= {
            "payer": "payer",
            "payer_id": upstream.payer_id,
            "sender_id": upstream.sender_id,
            "receiver_id": upstream.receiver_id,
            "transactions": _ASKED[name],
        }
    if name == "payer-core":
        return source | {"auth": upstream.auth}
    if upstream.auth is not None:
        if upstream.channels:
            source["channels"] = list(upstream.channels)
        secret = demo.payments_secret_file if name == PAYMENTS else demo.webhook_secret_file
        return source | {"auth": upstream.auth, "webhook_secret_file": secret}
    source["auth"] = {
        "kind": "smart-backend",
        "token_url": demo.token_url,
        "client_id": demo.client.client_id,
        "key_file": demo.client.key_file,
        "scope": demo.client.scope,
    }
    if "insight" in _SERVES[name]:
        source["bulk"] = {}
    if name == "payer-pas":
        source |= {"payer": "payer", "notification_token_file": demo.notification_token_file}
    return source


def _await_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> Sandbox:
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DemoError(f"the sandbox did not start; see {log}")
        time.sleep(0.02)
    return msgspec.convert(json.loads(ready.read_bytes()), type=Sandbox)
