"""The sources a deployment talks to, read from `sources.yaml`.

A mistake is reported with the file, the source and the setting it concerns; secrets are never in
the file itself, only the names of the files that hold them (relative to the YAML file's folder).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
import yaml

Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=120)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Identifier: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]

PartnerId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{1,14}$")]
Npi: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\d{10}$")]

INBOX = "inbox:"
ZOOM_CHANNEL = "http://hl7.org/fhir/virtual-service-type|zoom"
"""https://hl7.org/fhir/R5/codesystem-virtual-service-type.html"""
OUR_NPI = "1999999984"
OUR_NAME = "CHARTGRAPH"


class ConfigError(Exception):
    """The configuration of the sources cannot be used as written."""


class NoAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="none"):
    """The source asks for no credentials."""


class BearerFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="bearer-file"
):
    """A token issued by hand, the only content of `token_file`."""

    token_file: Path


class UsernameToken(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="username-token"
):
    """In SOAP messages: WS-Security's UsernameToken, its password in a file."""

    username: str
    password_file: Path


class SmartBackend(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smart-backend"
):
    """https://hl7.org/fhir/smart-app-launch/backend-services.html"""

    token_url: str
    client_id: str
    key_file: Path
    """The private key as a JWK: RSA signs with RS384, EC on P-384 with ES384."""
    scope: str = "system/*.rs"


class BasicFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="basic-file"
):
    """A name and a password, the only content of `password_file`. RFC 7617"""

    user: str
    password_file: Path


class AccountCredentials(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="account-credentials",
):
    """Zoom's server to server OAuth. https://developers.zoom.us/docs/internal-apps/s2s-oauth/"""

    token_url: str
    account_id: str
    client_id: str
    secret_file: Path


Auth: TypeAlias = (
    NoAuth | BearerFile | SmartBackend | BasicFile | AccountCredentials | UsernameToken
)


class SourceConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """What every kind of source has."""

    id: Identifier
    url: str
    serves: tuple[Identifier, ...]
    """The subgraphs that ask this source."""
    title: str = ""
    auth: Auth = NoAuth()
    timeout: Seconds = 5.0
    """For one call in all: waiting for a free slot, retries and reading the answer included."""
    connect_timeout: Seconds = 2.0
    max_parallel: Count = 8
    max_response_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 16 * 1024 * 1024
    allow_plain_http: bool = False
    """Without it, only a loopback address may be reached without TLS."""


class BulkExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`$export` of a FHIR server. https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""

    of: Annotated[str, msgspec.Meta(pattern=r"^(Patient|system|Group/[A-Za-z0-9.-]{1,64})$")] = (
        "Patient"
    )
    """Whose data: all patients', the whole system's or one group's."""
    type_filters: tuple[str, ...] = ()
    """Searches that narrow a type: `Observation?category=laboratory`."""
    file_hosts: tuple[str, ...] = ()
    """Servers besides the source's own that may hold the files: `https://files.example`."""
    max_wait: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3_600.0
    """Seconds until an export that is not ready is given up."""
    max_pause: Seconds = 60.0
    """The longest pause between two questions whether it is ready, whatever the server asks for."""
    max_file_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 8 * 1024 * 1024 * 1024


class FhirSource(SourceConfig, frozen=True, kw_only=True, tag="fhir-r4"):
    page_size: Count = 100
    multiple_or: Literal["auto", "yes", "no"] = "auto"
    """Whether `patient=a,b,c` works; `auto` asks the server's own CapabilityStatement."""
    codes: Path | None = None
    """A YAML file of the source's own codes: `system|code: system|code`, the latter shared."""
    labels: bool = True
    """Whether it may have labelled what is sensitive. One that labels nothing is asked for the
    newest rows alone where those are wanted: no older one can close them."""
    conformance: Literal["strict", "report", "off"] = "off"
    conformance_share: Share = 0.02
    """The share of fetched resources that is validated against the FHIR R4 definitions."""
    bulk: BulkExport | None = None
    """Where the source exports in bulk: what insight counts."""


class TradingPartner(SourceConfig, frozen=True, kw_only=True):
    """Who is asked in X12, however it gets there."""

    payer: Identifier
    """The FHIR source whose coverages this clearinghouse answers for."""
    sender_id: PartnerId
    receiver_id: PartnerId
    payer_id: PartnerId | None = None
    """How the payer is known to the clearinghouse; the receiver, where they are one."""
    provider_npi: Npi = OUR_NPI
    provider_name: str = OUR_NAME


class X12Source(TradingPartner, frozen=True, kw_only=True, tag="x12-270"):
    """An interchange is the whole of the request."""


class CoreSource(TradingPartner, frozen=True, kw_only=True, tag="core-soap"):
    """It goes in an envelope of CAQH CORE, in a SOAP message."""


class DaVinciPasSource(SourceConfig, frozen=True, kw_only=True, tag="davinci-pas"):
    """Where requests for prior authorization go: the payer's own server, or one in front of it."""

    payer: Identifier
    """The FHIR source whose coverages these requests are under."""
    provider_npi: Npi = OUR_NPI
    provider_name: str = OUR_NAME
    """Who asks, as the payer knows them."""


class VideoSource(SourceConfig, frozen=True, kw_only=True):
    """What every telehealth vendor has."""

    webhook_secret_file: Path | None = None
    """What it signs with what it pushes; without it, nothing is taken."""
    channels: tuple[str, ...] = ()
    """The `channelType`s, each as `system|code`, by which appointments name it: the first is
    written into those booked here. A vendor without any has what no other claims."""


class TelehealthSource(VideoSource, frozen=True, kw_only=True, tag="telehealth-rest"):
    """A vendor that answers about many visits at once."""


class ZoomSource(VideoSource, frozen=True, kw_only=True, tag="zoom"):
    channels: tuple[str, ...] = (ZOOM_CHANNEL,)
    host: str = "me"
    """The Zoom user who holds the meetings of whoever is not among the `hosts`."""
    hosts: Path | None = None
    """A YAML file of Zoom users by `source/Practitioner/id`."""
    topic: str = "Video visit"
    """What all meetings are called: a name would tell whose they are."""


class TwilioSource(VideoSource, frozen=True, kw_only=True, tag="twilio-video"):
    """`auth` is an API key, of kind `basic-file`."""

    account: Annotated[str, msgspec.Meta(pattern=r"^AC[0-9a-fA-F]{32}$")]
    callback_url: str | None = None
    """Our `/webhooks/<source>`, as the vendor calls it: its signature covers the address."""


class PaymentSource(SourceConfig, frozen=True, kw_only=True, tag="payments"):
    """A payment gateway of the shape of Stripe; its secret key is the bearer token."""

    webhook_secret_file: Path | None = None


class FiledPayer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a payer of X12 files is among the sources."""

    source: Identifier
    """The FHIR source of the same payer: a claim number means the same claim in both."""
    members: str = ""
    """The system of its member numbers: with it a member of a file is recognized by the number."""


class InboxSource(SourceConfig, frozen=True, kw_only=True, tag="inbox"):
    """What is pushed to us: it has no address to ask, and is read from the store it is kept in."""

    url: str = INBOX
    token_file: Path | None = None
    """What a sender shows as its bearer token; without it, only files are taken."""
    labels: bool = True
    """As of a FHIR server: documents may; with messages alone there is nothing to look for."""
    codes: Path | None = None
    """As of a FHIR server: a laboratory's own numbers and what they stand for."""
    payers: dict[str, FiledPayer] = {}
    """The payers of X12 files, each by its number there (NM109, N104), or by its name where a file
    gives no number."""


AnySource: TypeAlias = (
    FhirSource
    | X12Source
    | CoreSource
    | DaVinciPasSource
    | TelehealthSource
    | ZoomSource
    | TwilioSource
    | InboxSource
    | PaymentSource
)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in one respect: `multiple_or: no` and `conformance: off` are words, not booleans."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - its base declares it so
        first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load_sources(path: Path) -> tuple[SourceConfig, ...]:
    """Read every source of a YAML file, or raise `ConfigError` naming the first mistake."""
    sources = _read(path)
    loaded = tuple(_source(path, str(id_), raw) for id_, raw in sources.items())
    payers = {source.id for source in loaded if isinstance(source, FhirSource)}
    for source in loaded:
        if isinstance(source, TradingPartner | DaVinciPasSource) and source.payer not in payers:
            raise ConfigError(f"{path}: source {source.id}: payer names no fhir-r4 source")
        if isinstance(source, TwilioSource) and not isinstance(source.auth, BasicFile):
            raise ConfigError(f"{path}: source {source.id}: auth has to be of kind basic-file")
        if isinstance(source, FhirSource) and "insight" in source.serves and source.bulk is None:
            raise ConfigError(f"{path}: source {source.id}: to serve insight it needs bulk")
    return loaded


def read_hosts(path: Path | None) -> Mapping[str, str]:
    """A vendor's users by `source/Practitioner/id`; `ConfigError` for a file that is no such."""
    if path is None:
        return {}
    try:
        return msgspec.convert(yaml.safe_load(path.read_bytes()), type=dict[str, str])
    except (OSError, yaml.YAMLError, msgspec.ValidationError):
        raise ConfigError(f"{path}: expected a user by each source/Practitioner/id") from None


def _read(path: Path) -> Mapping[str, object]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path}: is not YAML") from None
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, dict) or set(content) != {"sources"}:
        raise ConfigError(f"{path}: expected one key, sources, with a source under each id")
    return sources


def _source(path: Path, id_: str, raw: object) -> AnySource:
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: source {id_}: expected settings")
    try:
        source: AnySource = msgspec.convert(
            {**raw, "id": id_}, type=AnySource, dec_hook=_existing_file(path.parent)
        )
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: source {id_}: {error}") from None
    for url in _urls(source):
        problem = _url_problem(url, plain=source.allow_plain_http)
        if problem:
            raise ConfigError(f"{path}: source {id_}: {problem}")
    return source


def _urls(source: AnySource) -> Iterator[str]:
    """What is asked over the network."""
    if not isinstance(source, InboxSource):
        yield source.url
    if isinstance(source.auth, SmartBackend | AccountCredentials):
        yield source.auth.token_url
    if isinstance(source, TwilioSource) and source.callback_url:
        yield source.callback_url
    if isinstance(source, FhirSource) and source.bulk:
        yield from source.bulk.file_hosts


def _existing_file(folder: Path) -> Callable[[type, object], object]:
    def decode(type_: type, value: object) -> object:
        if type_ is not Path or not isinstance(value, str):
            raise TypeError("expected the name of a file")
        file = folder / value
        if not file.is_file():
            raise ValueError(f"there is no file {file}")
        return file

    return decode


def _url_problem(url: str, *, plain: bool) -> str | None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "a URL must start with https:// and name a host"
    if parts.query or parts.fragment or parts.username is not None:
        return "a URL must have no query, fragment or credentials"
    if parts.scheme == "http" and not plain and not _is_loopback(parts.hostname):
        return "without TLS only a loopback address is reached (or set allow_plain_http: true)"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
