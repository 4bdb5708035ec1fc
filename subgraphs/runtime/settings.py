"""Where a subgraph process finds its folder, its sources and its keys: environment variables.

`CHARTGRAPH_HOME` (default `.chartgraph`), `CHARTGRAPH_SOURCES` (default `sources.yaml` in it),
`CHARTGRAPH_MASTER_KEY` (32 bytes, base64; default: the file `master.key` in the home folder),
`CHARTGRAPH_IDENTITY_URL` and `CHARTGRAPH_GOVERNANCE_URL` (where a lone subgraph asks for access
facts), `CHARTGRAPH_DATABASE_URL` (instead of SQLite in the home folder), `CHARTGRAPH_REDIS_URL`
(for the nonces of mutations, and by which events reach the other processes),
`CHARTGRAPH_IDENTITY_WEIGHTS` (docs/identity.md), `CHARTGRAPH_AUDIT_HOME`,
`CHARTGRAPH_CRAWL_SECONDS`, `CHARTGRAPH_INSIGHT_SECONDS` and `CHARTGRAPH_INSIGHT_MEMORY_MB`
(docs/insight.md), `CHARTGRAPH_TLS_CERTIFICATE`, `CHARTGRAPH_TLS_KEY` and
`CHARTGRAPH_TLS_CA` (`runtime/tls.py`) and, for a process that must not hold the master key, one
`CHARTGRAPH_KEY_<PURPOSE>` for each purpose it needs, for example
`CHARTGRAPH_KEY_CONTEXT_RECORDS`. A second context key in rotation ends in `_NEXT`.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.keys import KEY_BYTES, VARIABLE, KeyMissingError, KeyRing, decode_key

MASTER_KEY_FILE = "master.key"


class RuntimeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CHARTGRAPH_", extra="ignore")

    home: Path = Path(".chartgraph")
    sources: Path | None = None
    master_key: str | None = Field(default=None, repr=False)
    identity_url: str = "http://127.0.0.1:4101"
    governance_url: str | None = None
    """Without it, port 4109 of this machine, or for a developer nobody: nothing was directed."""
    database_url: str | None = Field(default=None, repr=False)
    """The index's database; without it, SQLite in the home folder."""
    identity_weights: Path | None = None
    """How much each agreement of two patients tells; without it, what comes with Chartgraph."""
    audit_home: Path | None = None
    """The gateway's folder, whose audit trail governance reads; without it, the home folder."""
    redis_url: str | None = Field(default=None, repr=False)
    """Where replicas keep the nonces of mutations, and tell each other of events; without it each
    process has its own."""
    crawl_seconds: float = Field(default=900.0, gt=0)
    """How often identity reads all patients anew."""

    insight_seconds: float = Field(default=900.0, gt=0)
    """How often insight asks the sources' exports for what has changed."""
    insight_memory_mb: int = Field(default=512, ge=64)
    """What counting may take of memory, in MB."""

    tls_certificate: Path | None = None
    """PEM: who this process is, on its own port and to identity; without it, plain HTTP."""
    tls_key: Path | None = None
    tls_ca: Path | None = None
    """Who signs the certificates of all others; then whoever asks has to show one."""

    @property
    def sources_file(self) -> Path:
        return self.sources or self.home / "sources.yaml"

    def key_ring(self) -> KeyRing:
        """The keys of this process; makes the folder's master key where there is none."""
        if self.master_key is not None:
            return KeyRing(decode_key("CHARTGRAPH_MASTER_KEY", self.master_key), os.environ)
        given = any(name.startswith(VARIABLE) for name in os.environ)
        if given and not (self.home / MASTER_KEY_FILE).exists():
            return KeyRing(None, os.environ)
        return KeyRing(load_or_make_master_key(self.home), os.environ)


def load_or_make_master_key(home: Path) -> bytes:
    path = home / MASTER_KEY_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _write_once(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise KeyMissingError(f"{MASTER_KEY_FILE} does not hold {KEY_BYTES} bytes")
    return key


def _write_once(path: Path, content: bytes) -> None:
    # A hard link is made whole or not at all, so two processes starting in one folder end up
    # with the same key.
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()
