"""How a source is configured, whatever it speaks: its address, its limits, how we sign in.

Secrets are never among the settings, only the names of the files that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

import msgspec

Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=120)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Identifier: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


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
    """What every kind of source has; a kind's own settings inherit it, with a `tag` of its own."""

    media_types: ClassVar[tuple[str, ...]] = ("application/json",)
    """What its answers may be."""

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

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    def urls(self) -> Iterator[str]:
        """What is asked over the network: each has to be safe to send to."""
        yield self.url
        if isinstance(self.auth, SmartBackend | AccountCredentials):
            yield self.auth.token_url

    def mistake(self, others: Mapping[str, SourceConfig]) -> str | None:  # noqa: ARG002 - a kind's own
        """What cannot be used as written, seen beside all the sources there are, by their ids."""
        return None


class SearchedSource(SourceConfig, frozen=True, kw_only=True):
    """What every source has that is searched by patient."""

    labels: bool = True
    """Whether it may have labelled what is sensitive. One that labels nothing is asked for the
    newest rows alone where those are wanted: no older one can close them."""
    codes: Path | None = None
    """A YAML file of the source's own codes: `system|code: system|code`, the latter shared."""
