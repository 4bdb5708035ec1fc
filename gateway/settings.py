"""Everything an operator decides, from arguments, `CHARTGRAPH_…` variables and a YAML file.

Arguments win over variables, variables over the file. Two switches set the tone: `dev` (nobody
signs in, loopback only) and `closed` (no introspection, no GraphiQL, no documents by GET); each
default below follows from them. `docs/operating.md` says what each is for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from contract.keys import KeyMissingError, KeyRing, decode_key
from gateway.bounds import Budget, Cost, Limits, OnDenial, Unknown
from gateway.trust import ClientCertificates, ClientTls, Issuer, ServerTls

MASTER_KEY_FILE = "master.key"
PERCENT = "percent("
"""How an override label begins that tells its own share."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
NEVER_PROPAGATED = frozenset(
    {
        "chartgraph-context", "connection", "content-length", "content-type", "expect", "host",
        "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers of one hop, and the one that says who asks, which is ours alone."""
NEVER_RETURNED = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "x-content-type-options", "x-request-id",
    }
)  # fmt: skip
"""Headers of one hop or one body, and those that the gateway writes itself."""
NEVER_RETURNED_PREFIXES = ("access-control-", "chartgraph-")
# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2, in small letters
_RETURNED = re.compile(
    r"(?P<name>[!#$%&'*+.^_`|~0-9a-z-]+)(?:=(?P<rule>first|last|append))?", re.ASCII
)
_RULES_OF_THEIR_OWN = frozenset({"cache-control", "set-cookie"})


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and never its value."""


def _percent(given: Any) -> Any:
    return float(100 * given) if isinstance(given, bool) else given


Share: TypeAlias = Annotated[float, BeforeValidator(_percent), Field(ge=0, le=100)]
"""Percent; all or none may be written as true or false."""


class Streams(BaseModel):
    """What bounds answers that go on for long: subscriptions, and deferred parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: int = Field(default=2_000, ge=1)
    """Streams at once, over HTTP and WebSockets together."""
    sockets: int = Field(default=1_000, ge=1)
    operations_per_socket: int = Field(default=50, ge=1)
    """Under way at once."""
    init_seconds: float = Field(default=3.0, gt=0)
    """How long a new socket may take to say who it is."""
    idle_seconds: float = Field(default=300.0, gt=0)
    """How long a socket may stay without an operation."""
    heartbeat_seconds: float = Field(default=12.0, gt=0)
    stalled_seconds: float = Field(default=10.0, gt=0)
    """How long a client may take nothing of what is sent, before it is dropped."""
    origins: frozenset[str] = frozenset()
    """Pages that may open a WebSocket beside our own: `https://portal.example`."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="CHARTGRAPH_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    supergraph: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=4000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    """Processes behind the port."""
    dev: bool = False
    closed: bool = True
    home: Path = Path(".chartgraph")
    master_key: SecretStr | None = None
    redis_url: SecretStr | None = None

    issuers: tuple[Issuer, ...] = ()
    policies: Path | None = None
    """The folder of the Cedar policies; a policy of the supergraph that none permits is refused."""
    introspection_roles: frozenset[str] = frozenset()
    """Who may introspect a closed gateway."""
    allow_anonymous_introspection: bool = False
    token_cache_seconds: int = 60
    """How long a verified token is taken without looking again, and so how late it is revoked."""
    jwks_refresh_seconds: int = 600
    jwks_keep_seconds: int = 6 * 3600
    """How long the last good keys serve while their issuer is silent."""

    client_certificates: ClientCertificates | None = None
    """Where a client's certificate is found that its token is bound to."""
    tls: ServerTls | None = None
    """Without it TLS is ended in front of us."""

    subgraph_urls: Mapping[str, str] = {}
    """Where a subgraph really is, by its name in the supergraph."""
    subgraph_tls: Mapping[str, ClientTls] = {}
    """How a subgraph is reached over TLS, by its name; `*` is every other one."""
    subscription_urls: Mapping[str, str] = {}
    """Where its events come from, if elsewhere; `ws:` and `wss:` speak graphql-transport-ws."""
    override_labels: Mapping[str, Share] = {}
    """For how many callers the label of a progressive override is on: all, none, a percentage."""
    subgraph_timeout: float = 30.0
    """Seconds for one answer of a subgraph."""
    signed_subgraphs: Annotated[frozenset[str], NoDecode] = frozenset()
    """Those that get a signed context and owe an access report; others get neither."""
    propagate_headers: Annotated[tuple[str, ...], NoDecode] = ()
    response_headers: Annotated[tuple[str, ...], NoDecode] = ()
    """Of the subgraphs' answers, for the client: `name`, or `name=first`, `=last`, `=append`."""

    trusted_only: bool = False
    trusted_documents: Mapping[str, Path] = {}
    """A manifest per client id; `*` is for every client."""
    limits: Limits = Limits()
    cost: Cost = Cost()
    budget: Budget = Budget()
    """Of each client; the registry of clients may give one its own."""
    global_budget: Budget = Budget()
    """Of all clients together."""
    clients: Path | None = None
    """The registry of clients, a YAML file."""
    on_denial: OnDenial = OnDenial.FILTER
    """Of clients whose entry in the registry says nothing, and of requests that say nothing."""
    unknown_clients: Unknown | None = None
    """What becomes of a client that is not in the registry: refused, if there is a registry."""
    max_body_bytes: int = 250_000
    max_in_flight: int = 1_000
    """Requests answered at once; more are told to come again."""
    streams: Streams = Streams()
    audit: bool | None = None

    @field_validator("signed_subgraphs", "propagate_headers", "response_headers", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        """A variable holds a list with commas."""
        if not isinstance(given, str):
            return given
        return [part.strip() for part in given.split(",") if part.strip()]

    @field_validator("override_labels")
    @classmethod
    def _tell_no_share(cls, shares: Mapping[str, float]) -> Mapping[str, float]:
        if wrong := [label for label in shares if label.startswith(PERCENT)]:
            raise ValueError(f"these labels tell their share themselves: {', '.join(wrong)}")
        return shares

    @field_validator("propagate_headers")
    @classmethod
    def _propagable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(name.lower() for name in names)
        if wrong := [name for name in lowered if name in NEVER_PROPAGATED or not name.isascii()]:
            raise ValueError(f"these are not the client's to send: {', '.join(wrong)}")
        return lowered

    @field_validator("response_headers")
    @classmethod
    def _returnable(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(each.lower() for each in given)
        if wrong := [each for each in lowered if not _is_returnable(each)]:
            raise ValueError(f"these are not the subgraphs' to answer: {', '.join(wrong)}")
        names = [each.partition("=")[0] for each in lowered]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"these are named twice: {', '.join(twice)}")
        return lowered

    @field_validator("issuers")
    @classmethod
    def _told_apart(cls, issuers: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        if len({each.issuer for each in issuers}) < len(issuers):
            raise ValueError("an issuer is named twice")
        asked = [each.introspection for each in issuers if each.introspection]
        if sum(each.opaque_tokens for each in asked) > 1:
            # An opaque token does not say whose it is, and is not to be shown to the others.
            raise ValueError("only one issuer may have opaque_tokens")
        return issuers

    @model_validator(mode="after")
    def _nobody_from_outside(self) -> Self:
        if self.dev and self.host not in LOOPBACK:
            raise ValueError("a development gateway, where nobody signs in, stays on loopback")
        return self

    @property
    def open(self) -> bool:
        """Whether developers' comforts are on: introspection, GraphiQL, GET, cached documents."""
        return self.dev or not self.closed

    @property
    def audited(self) -> bool:
        """Without sign-in there is nobody to write down, so `dev` alone keeps no trail."""
        return not self.dev if self.audit is None else self.audit

    def key(self, purpose: str) -> bytes:
        """The key for a purpose: its own variable, or derived from the master key."""
        try:
            return KeyRing(self._master(), os.environ).key(purpose)
        except KeyMissingError as error:
            raise SettingsError(str(error)) from None

    def has_master_key(self) -> bool:
        return self.master_key is not None or (self.home / MASTER_KEY_FILE).is_file()

    def _master(self) -> bytes | None:
        if self.master_key is not None:
            return decode_key("CHARTGRAPH_MASTER_KEY", self.master_key.get_secret_value())
        return _read_master_key(self.home / MASTER_KEY_FILE)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class asks for it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def _is_returnable(header: str) -> bool:
    found = _RETURNED.fullmatch(header)
    if found is None or found["name"] in NEVER_RETURNED:
        return False
    if found["rule"] and found["name"] in _RULES_OF_THEIR_OWN:
        return False
    return not header.startswith(NEVER_RETURNED_PREFIXES)


def load_settings(config: Path | None = None, **given: Any) -> Settings:
    """Read the settings; raises `SettingsError` naming what is wrong."""
    if config is not None:
        _check_file(config)

    class Configured(Settings):
        model_config = SettingsConfigDict(yaml_file=config)

    try:
        return Configured(**given)
    except UnreadableVariableError as error:
        # It names the variable's field; its cause holds the text.
        raise SettingsError(str(error)) from None
    except ValidationError as error:
        # Only the places and the reasons: a value may be a secret.
        wrong = (
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()
        )
        raise SettingsError("; ".join(wrong)) from None


def _check_file(path: Path) -> None:
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError:
        raise SettingsError(f"there is no configuration file {path}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise SettingsError(f"the configuration file {path} is not YAML{line}") from None
    if not isinstance(content, dict | None):
        raise SettingsError(f"the configuration file {path} has to map settings to their values")


def _read_master_key(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
