"""How the gateway proves itself to others, and what it believes of them: parts of the settings."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ASYMMETRIC = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
) | {"EdDSA", "Ed25519", "Ed448"}
UNIX = "unix"
"""A peer at a unix socket, which has no address."""


class Introspection(BaseModel):
    """Asking an issuer about a token. https://www.rfc-editor.org/rfc/rfc7662"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    """Whom the issuer knows us as."""
    client_secret_file: Path | None = None
    """For HTTP Basic."""
    key_file: Path | None = None
    """A private JWK, for `private_key_jwt`; its `alg` says how it signs."""
    assertion_audience: str | None = None
    """What the issuer wants in our assertion's `aud`; else its token endpoint."""
    url: str | None = None
    """Else found by OpenID discovery."""
    opaque_tokens: bool = True
    """Tokens that are no JWTs are taken to be this issuer's."""
    signed_tokens: bool = False
    """JWTs are asked about as well, so that one that was revoked is refused."""
    require_audience: bool = True
    """Off: an answer without `aud` is taken to be about a token for us."""

    @model_validator(mode="after")
    def _proves_itself_once(self) -> Self:
        if (self.client_secret_file is None) == (self.key_file is None):
            raise ValueError("either client_secret_file or key_file says who we are")
        return self


class Issuer(BaseModel):
    """One authorization server whose tokens we take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    """Compared letter by letter with the token's `iss`."""
    audience: frozenset[str] = Field(min_length=1)
    """The token's `aud` must name one of these."""
    jwks_uri: str | None = None
    """Else found by OpenID discovery."""
    publishes_keys: bool = True
    """Off: we cannot verify its tokens, whatever they look like, and it is asked about each."""
    patient_source: str | None = None
    """The source whose ids the `patient` and `fhirUser` claims hold, for example `ehr-a`."""
    roles: Path | None = None
    """What its words for roles mean, and which purposes each role may have; else nobody has one."""
    scopes: Mapping[str, str] = {}
    """From the issuer's words to ours, several separated by spaces; other words are taken as they
    are."""
    algorithms: frozenset[str] = ASYMMETRIC
    typed_only: bool = False
    """Only tokens whose header says that they are access tokens (`at+jwt`, RFC 9068)."""
    shared_subjects: frozenset[str] = frozenset()
    """Subjects that are nobody in particular, whose tokens are refused."""
    introspection: Introspection | None = None

    @model_validator(mode="after")
    def _can_be_believed(self) -> Self:
        asked = self.introspection
        if not self.publishes_keys and (asked is None or not asked.opaque_tokens):
            raise ValueError("an issuer without keys needs introspection of opaque_tokens")
        return self

    @field_validator("algorithms")
    @classmethod
    def _asymmetric_only(cls, algorithms: frozenset[str]) -> frozenset[str]:
        if not algorithms <= ASYMMETRIC:
            raise ValueError("only asymmetric algorithms: a published key must not sign")
        return algorithms


class ClientCertificates(BaseModel):
    """The client's certificate, as whoever ends TLS in front of us passes it on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str = "client-cert"
    """RFC 9440's form, or PEM in percent-encoding as nginx writes it."""
    trusted_proxies: tuple[IPv4Network | IPv6Network | Literal["unix"], ...] = Field(min_length=1)
    """From anyone else the header says nothing."""

    @property
    def header_bytes(self) -> bytes:
        return self.header.lower().encode()

    def trusts(self, peer: str | None) -> bool:
        """`peer` is the address at the other end of the connection; None at a unix socket."""
        if peer is None:
            return UNIX in self.trusted_proxies
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(each != UNIX and address in each for each in self.trusted_proxies)


class ServerTls(BaseModel):
    """TLS of our own port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: Path
    """PEM, with the chain."""
    key: Path
    client_ca: Path | None = None
    """Who signs certificates of clients; without it none is asked for."""


class ClientTls(BaseModel):
    """TLS to others: who they have to be, and who we are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: Path | None = None
    """Who signs their certificates, if not one of the machine's roots."""
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate needs its key, and a key its certificate")
        return self

    def context(self) -> ssl.SSLContext:
        """Raises OSError or ssl.SSLError where a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context
