"""Keys and secrets of one sandbox home: made once, read again at the next start."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey, RSAKey


@dataclass(frozen=True, slots=True)
class KeyFiles:
    issuer_key: ECKey  # signs the issuer's access tokens, ES256
    id_key: RSAKey  # and its ID tokens, RS256
    client_key: ECKey  # the gateway's, for private_key_jwt with ES384
    client_key_file: Path
    webhook_secret: str
    webhook_secret_file: Path
    telehealth_key: str
    telehealth_key_file: Path
    zoom_secret: str
    zoom_secret_file: Path
    twilio_secret: str
    twilio_secret_file: Path
    clearinghouse_token_file: Path
    notification_token: str
    notification_token_file: Path
    core_password: str
    core_password_file: Path
    payments_key: str
    payments_key_file: Path
    payments_secret: str
    payments_secret_file: Path


def load_keys(home: Path) -> KeyFiles:
    client_key_file = home / "sandbox-client.jwk"
    webhook_secret_file = home / "sandbox-webhook.secret"
    telehealth_key_file = home / "sandbox-telehealth.key"
    zoom_secret_file = home / "sandbox-zoom.secret"
    twilio_secret_file = home / "sandbox-twilio.secret"
    payments_key_file = home / "sandbox-payments.key"
    payments_secret_file = home / "sandbox-payments.secret"
    clearinghouse_token_file = home / "sandbox-clearinghouse.token"
    notification_token_file = home / "sandbox-notification.token"
    core_password_file = home / "sandbox-core.password"
    _secret(clearinghouse_token_file)
    return KeyFiles(
        issuer_key=_ec_key(home / "sandbox-issuer.jwk", "P-256", "ES256"),
        id_key=_rsa_key(home / "sandbox-issuer-id.jwk"),
        client_key=_ec_key(client_key_file, "P-384", "ES384"),
        client_key_file=client_key_file,
        webhook_secret=_secret(webhook_secret_file),
        webhook_secret_file=webhook_secret_file,
        telehealth_key=_secret(telehealth_key_file),
        telehealth_key_file=telehealth_key_file,
        zoom_secret=_secret(zoom_secret_file),
        zoom_secret_file=zoom_secret_file,
        twilio_secret=_secret(twilio_secret_file),
        twilio_secret_file=twilio_secret_file,
        clearinghouse_token_file=clearinghouse_token_file,
        notification_token=_secret(notification_token_file),
        notification_token_file=notification_token_file,
        core_password=_secret(core_password_file),
        core_password_file=core_password_file,
        payments_key=_secret(payments_key_file),
        payments_key_file=payments_key_file,
        payments_secret=_secret(payments_secret_file),
        payments_secret_file=payments_secret_file,
    )


def write_private(path: Path, text: str) -> None:
    """Atomically, and readable by its owner alone from the first moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _ec_key(path: Path, curve: str, algorithm: str) -> ECKey:
    if not path.exists():
        made = ECKey.generate_key(curve, {"use": "sig", "alg": algorithm}, auto_kid=True)
        write_private(path, json.dumps(made.as_dict(private=True)))
    return ECKey.import_key(json.loads(path.read_text()))


def _rsa_key(path: Path) -> RSAKey:
    if not path.exists():
        made = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        write_private(path, json.dumps(made.as_dict(private=True)))
    return RSAKey.import_key(json.loads(path.read_text()))


def _secret(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text().strip()
