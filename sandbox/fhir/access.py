"""What a bearer token lets its holder do here. https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sandbox.fhir.outcome import Refusal

Letter: TypeAlias = Literal["c", "r", "u", "s"]

_SCOPE = re.compile(r"(?:system|user)/([A-Za-z]+|\*)\.(c?r?u?d?s?)")


@dataclass(frozen=True, slots=True)
class Grant:
    client_id: str
    scopes: tuple[str, ...]

    def permits(self, type_: str, letter: Letter) -> bool:
        return any(
            found[1] in ("*", type_) and letter in found[2]
            for found in map(_SCOPE.fullmatch, self.scopes)
            if found
        )


VerifyToken: TypeAlias = Callable[[str], Grant | None]


def authenticate(headers: Mapping[str, str], verify: VerifyToken) -> Grant:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    grant = verify(token) if scheme.lower() == "bearer" else None
    if grant is None:
        raise Refusal(401, "login", "a valid access token is required")
    return grant
