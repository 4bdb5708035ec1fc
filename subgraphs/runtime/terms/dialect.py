"""A source's own codes, and what they are in the code systems everyone shares.

An older laboratory system may know a test by nothing but its own number. What that number stands
for only its operator can tell: in a file beside `sources.yaml`, a line for each code. What such a
source sends gets the shared code added behind its own, and what it is asked for by a shared code
it is asked for by its own too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import msgspec
import yaml

from subgraphs.connectors.config import ConfigError
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.runtime.terms.codes import token_of

Resource: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, list[Resource]]
_CODED: Final = ("code", "vaccineCode", "medicationCodeableConcept")
_PARTS: Final = ("component", "contained")


class PatientSearches(Protocol):
    """A FHIR server as the sources ask it."""

    async def search_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> Rows: ...

    async def latest_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> Rows: ...

    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[Rows, list[Resource]]: ...

    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[Resource]]: ...

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]: ...

    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]: ...


class Dialect:
    """`shared` gives for each code of the source, as `system|code`, one that everyone shares."""

    def __init__(self, shared: Mapping[str, str]) -> None:
        self._shared = {_token(own): _token(code).partition("|") for own, code in shared.items()}
        self._own: defaultdict[str, list[str]] = defaultdict(list)
        for own, (_, _, code) in sorted(self._shared.items()):
            self._own[code].append(own.partition("|")[2])

    def asked(self, codes: str) -> str:
        """A list of codes with the source's own for the same."""
        shared = codes.split(",")
        own = (spelled for code in shared for spelled in self._own.get(code.rpartition("|")[2], ()))
        return ",".join(dict.fromkeys((*shared, *own)))

    def translate(self, resource: Resource) -> Resource:
        """The resource with shared codes behind those of its source."""
        changes: dict[str, Any] = {
            name: self._concept(resource[name])
            for name in _CODED
            if isinstance(resource.get(name), dict)
        }
        for name in _PARTS:
            parts = resource.get(name)
            if isinstance(parts, list):
                changes[name] = [
                    self.translate(part) if isinstance(part, dict) else part for part in parts
                ]
        return {**resource, **changes}

    def _concept(self, concept: dict[str, Any]) -> dict[str, Any]:
        codings = concept.get("coding")
        if not isinstance(codings, list):
            return concept
        known = [self._shared.get(token_of(*_parts(coding))) for coding in codings]
        added = [{"system": found[0], "code": found[2]} for found in known if found]
        return {**concept, "coding": [*codings, *added]}


class Interpreted:
    """A FHIR server with codes of its own, as one that speaks everyone's."""

    def __init__(self, server: PatientSearches, dialect: Dialect) -> None:
        self._server = server
        self._dialect = dialect

    async def search_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> Rows:
        asked = self._asked(others)
        return self._translated(await self._server.search_by(resource_type, param, keys, asked))

    async def latest_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> Rows:
        found = await self._server.latest_by(
            resource_type, param, keys, self._asked(others), sort=sort, per_key=per_key
        )
        return self._translated(found)

    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[Rows, list[Resource]]:
        rows, brought = await self._server.latest_including(
            resource_type, param, keys, self._asked(others), sort=sort, per_key=per_key
        )
        return self._translated(rows), [self._dialect.translate(each) for each in brought]

    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[Resource]]:
        asked = self._asked(others)
        rows, brought = await self._server.search_including(resource_type, param, keys, asked)
        return self._translated(rows), [self._dialect.translate(each) for each in brought]

    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]:
        return await self._server.contents(urls)

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]:
        found = await self._server.read(resource_type, ids)
        return {id_: self._dialect.translate(each) for id_, each in found.items()}

    def _asked(self, others: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if others is None or "code" not in others:
            return others
        return {**others, "code": self._dialect.asked(others["code"])}

    def _translated(self, rows: Rows) -> Rows:
        return {key: [self._dialect.translate(row) for row in found] for key, found in rows.items()}


def load_dialect(path: Path) -> Dialect:
    """Read a YAML file of codes, or raise `ConfigError` naming what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes only texts
        return Dialect(msgspec.convert(content, dict[str, str]))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise ConfigError(f"{path}: is not YAML that can be read") from None
    except msgspec.ValidationError:
        raise ConfigError(f"{path}: expected a shared system|code for each of its own") from None


def _token(text: str) -> str:
    system, bar, code = text.rpartition("|")
    if not (bar and system and code):
        raise msgspec.ValidationError
    return token_of(system, code)


def _parts(coding: object) -> tuple[str | None, str | None]:
    found = coding if isinstance(coding, dict) else {}
    system, code = found.get("system"), found.get("code")
    return (
        system if isinstance(system, str) else None,
        code if isinstance(code, str) else None,
    )
