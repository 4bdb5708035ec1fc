"""Synthetic upstreams for the demo and the tests: EHRs, a payer, a telehealth vendor, an issuer.

    python -m sandbox --seed 7 --patients 64 --home DIR --ports 0 --ready-file FILE

All of it is made up and served on loopback, in one process, each upstream on a port of its own
(`--ports 0`: free ones; `--ports 9100`: 9100, 9101, …). Once all answer, FILE is written in one
stroke (mode 0600):

    {
      "pid": 4711,
      "seed": 7, "patients": 64, "today": "2026-11-22",
      "control": "http://127.0.0.1:9106",
      "issuer": "http://127.0.0.1:9100",           the `iss` of tokens; its discovery is at
                                                   /.well-known/openid-configuration
      "token_url": "http://127.0.0.1:9100/token",
      "audience": "chartgraph",                    the `aud` of persona tokens
      "upstreams": {
        "issuer":     {"url": "http://127.0.0.1:9100"},
        "ehr-a":      {"url": "http://127.0.0.1:9101/fhir", "kind": "fhir-r4", "title": "…"},
        "ehr-b":      {"url": "http://127.0.0.1:9102/fhir", "kind": "fhir-r4", "title": "…"},
        "payer":      {"url": "http://127.0.0.1:9103/fhir", "kind": "fhir-r4", "title": "…"},
        "payer-x12":  {"url": "http://127.0.0.1:9104/x12", "kind": "x12-270", "title": "…",
                       "payer_id": "842610001", "sender_id": "CHARTGRAPH",
                       "receiver_id": "MEADOWMUTUAL"},
        "payer-pas":  {"url": "http://127.0.0.1:9103/fhir", "kind": "davinci-pas", "title": "…"},
        "telehealth": {"url": "http://127.0.0.1:9105", "kind": "telehealth-rest", "title": "…"}
      },
      "client": {"client_id": "chartgraph", "key_file": "DIR/sandbox-client.jwk",
                 "alg": "ES384", "scope": "system/*.cruds"},
      "telehealth_key_file": "DIR/sandbox-telehealth.key",
      "webhook_secret_file": "DIR/sandbox-webhook.secret",
      "truth_file": "DIR/sandbox-truth.json",      who is whom: sandbox.truth, for tests only
      "personas": {"clinician": {"title": "…", "subject": "…", "roles": […], "scopes": […],
                   "purpose": "…", "client_id": "…", "patient": id in EHR-A or null,
                   "fhir_user": "Practitioner/…" or null, "organization": URI or null}, …},
      "consents": [{"source": "ehr-a", "patient": "…", "organization": URI, "label": "42CFRPart2",
                    "is_revoked": false}, …]       what patients signed: `sandbox.data.consents`
    }

A persona's token: `POST {issuer}/persona-token {"persona": "clinician"}` → `access_token`; beside
it `"expires_in": -60` makes one that has expired, `"patient": ID` signs in another patient, and
`"certificate"` (a thumbprint) binds it. `POST {issuer}/launch {"patient": ID, "encounter": ID}` →
`launch`: what an EHR gives an app it opens.
The control app (HTML at /): `GET /calls`, `POST /calls/reset`, `GET /faults`, `POST /faults
{"upstream": "ehr-a", "latency_ms": 0, "outage": "none", "rate_limit": {"limit": 10, "retry_after":
1}, "multiple_or": true, "batch": true}` (what is left out keeps its value; `"rate_limit": null`
lifts it), `POST /faults/reset`, `POST /visits/{id}/status {"status": "started"}`, `GET
/authorizations`, `POST /authorizations/{Claim.id}/decide {"action": "A1"}` (or `"A3"`),
`POST /webhook {"url": "http://127.0.0.1:…"}`, `GET /issuer`, `POST /issuer {"misdeed": "unsigned",
"opaque": true, "keys": "rotate"}` (`sandbox.issuer.misdeeds`; keys also `"withdraw"`).
The process ends on SIGTERM or SIGINT, and when `--parent-pid` is no longer there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import uvloop

from sandbox.app import Options, StartError, run


def main(arguments: Sequence[str] | None = None) -> None:
    options = _read_options(arguments)
    try:
        uvloop.run(run(options))
    except StartError as error:
        sys.exit(f"sandbox: {error}")


def _read_options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Synthetic upstreams.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--patients", type=int, default=64)
    parser.add_argument("--home", type=Path, default=Path(".chartgraph"))
    parser.add_argument(
        "--ports", type=int, default=0, help="the first of a row of ports, or 0 for any"
    )
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--parent-pid", type=int, help="end when this process does")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=datetime.now(UTC).date(),
        help="the day the appointments lie ahead of; default: today",
    )
    parser.add_argument("--webhook-url", help="where the telehealth vendor reports visit changes")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
