"""Who signed in where, and what was issued to them: so that it can be refreshed and taken back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, TokenMixin

from sandbox.personas import Persona

CODE_LIFETIME = 60
LAUNCH_LIFETIME = 300
ONLINE_LIFETIME = 3600
OFFLINE_LIFETIME = 90 * 86_400


@dataclass(frozen=True, slots=True)
class Launch:
    """What is open in the EHR from which an app is launched."""

    patient: str | None = None
    encounter: str | None = None
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """One person's sign-in to one client; all that is issued in it is revoked together."""

    persona: Persona
    client_id: str
    patient: str | None = None
    encounter: str | None = None
    nonce: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(12))

    @property
    def context(self) -> Mapping[str, str]:
        """The launch context, as it comes beside a token and within it."""
        given = {"patient": self.patient, "encounter": self.encounter}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # authlib has no types
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    session: Session
    code_challenge: str
    code_challenge_method: str = "S256"
    expires_at: float = field(default_factory=lambda: time.time() + CODE_LIFETIME)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True)
class RefreshToken(TokenMixin):  # type: ignore[misc]
    session: Session
    scope: str
    expires_at: float

    def check_client(self, client: Any) -> bool:
        return bool(client.client_id == self.session.client_id)

    def get_scope(self) -> str:
        return self.scope


class Sessions:
    """In memory: a sandbox that is started anew knows nobody."""

    def __init__(self) -> None:
        self.codes: dict[str, Code] = {}
        self.launches: dict[str, Launch] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._spent: set[str] = set()
        self._used: dict[str, str] = {}
        """The session that each spent code began."""
        self._ended: set[str] = set()
        self._revoked: set[str] = set()

    def launch(self, patient: str | None, encounter: str | None) -> str:
        name = secrets.token_urlsafe(16)
        self.launches[name] = Launch(patient, encounter, time.time() + LAUNCH_LIFETIME)
        return name

    def take_launch(self, name: str) -> Launch | None:
        """It serves once."""
        launch = self.launches.pop(name, None)
        return launch if launch is not None and launch.expires_at > time.time() else None

    def take_code(self, code: str, client_id: str) -> Code | None:
        """A code is spent by its first use, whether that succeeds or not.

        At its second, what the first one got is revoked.
        https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
        """
        if code in self._used:
            self.end(self._used[code])
            return None
        found = self.codes.pop(code, None)
        if found is None:
            return None
        self._used[code] = found.session.id
        return found if found.client_id == client_id and found.expires_at > time.time() else None

    def issue_refresh(self, session: Session, scope: str) -> str | None:
        """None where the scope asks for none."""
        scopes = scope.split()
        if "offline_access" in scopes:
            lifetime = OFFLINE_LIFETIME
        elif "online_access" in scopes:
            lifetime = ONLINE_LIFETIME
        else:
            return None
        token = secrets.token_urlsafe(32)
        self._refresh[token] = RefreshToken(session, scope, time.time() + lifetime)
        return token

    def refresh(self, token: str) -> RefreshToken | None:
        """One that may be used now. A spent one that comes again ends its session: of the two who
        had it, one was not meant to. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2"""
        found = self._refresh.get(token)
        if found is None or self.is_over(found.session.id) or found.expires_at < time.time():
            return None
        if token in self._spent:
            self.end(found.session.id)
            return None
        return found

    def known_refresh(self, token: str) -> RefreshToken | None:
        found = self._refresh.get(token)
        over = found is None or token in self._spent or self.is_over(found.session.id)
        return None if over else found

    def spend(self, token: str) -> None:
        self._spent.add(token)

    def end(self, session_id: str) -> None:
        self._ended.add(session_id)

    def revoke(self, token_id: str) -> None:
        self._revoked.add(token_id)

    def is_over(self, session_id: str | None) -> bool:
        return session_id in self._ended

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        return claims.get("jti") in self._revoked or self.is_over(claims.get("sid"))
