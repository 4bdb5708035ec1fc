"""A source's practitioners by number: one person's records are those with the same valid NPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from subgraphs.runtime.fhir import Identifier, PatientSearch, Resource, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.npi import NPI, npi_of

PRACTITIONER: Final = "Practitioner"


class Numbered(Resource, frozen=True, kw_only=True):
    """A Practitioner, as far as it says which one it is."""

    identifier: tuple[Identifier, ...] = ()

    @property
    def npi(self) -> str | None:
        return npi_of(self.identifier)


class Server(PatientSearch, Protocol):
    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


async def read_numbers(server: Server, ids: Sequence[str]) -> Answer[Numbered]:
    """Each by its id."""
    found = await server.read(PRACTITIONER, ids)
    rows = {id_: [row] for id_, row in found.items()}
    return translate(rows, Numbered, lambda each, id_: each.id == id_)


async def search_numbers(server: Server, numbers: Sequence[str]) -> Answer[Numbered]:
    """By NPI; a number that the source gives to several is nobody's."""
    tokens = {f"{NPI}|{number}": number for number in numbers}
    found = await server.search_by(PRACTITIONER, "identifier", tokens)
    rows = {number: found.get(token, []) for token, number in tokens.items()}
    answer = translate(rows, Numbered, lambda each, number: each.npi == number)
    alone = {number: those if len(those) == 1 else [] for number, those in answer.rows.items()}
    return Answer(alone, answer.damaged)
