"""What a bearer token lets its holder do here. https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contract.scopes import parse_scope
from sandbox.fhir.outcome import Refusal

Letter: TypeAlias = Literal["c", "r", "u", "s"]


@dataclass(frozen=True, slots=True)
class Grant:
    client_id: str
    scopes: tuple[str, ...]

    def permits(self, type_: str, letter: Letter) -> bool:
        """A scope with parameters opens nothing: these systems do not look into records."""
        return any(
            scope.level != "patient"
            and not scope.params
            and scope.names(type_)
            and letter in scope.letters
            for scope in map(parse_scope, self.scopes)
            if scope is not None
        )


VerifyToken: TypeAlias = Callable[[str], Grant | None]


def authenticate(headers: Mapping[str, str], verify: VerifyToken) -> Grant:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    grant = verify(token) if scheme.lower() == "bearer" else None
    if grant is None:
        raise Refusal(401, "login", "a valid access token is required")
    return grant
