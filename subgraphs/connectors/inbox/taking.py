"""Taking in what a message or document brings, within one transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.connectors.inbox.delivery import (
    PATIENT,
    Delivery,
    identifiers_of,
    moved,
    patient_of,
)
from subgraphs.connectors.inbox.tables import (
    IN_SERIES,
    NAMED,
    RESOURCES,
    RETIRED,
    SERIES,
    here,
    insert_new,
)
from subgraphs.connectors.inbox.vault import Vault
from subgraphs.connectors.moments import sortable
from subgraphs.connectors.searched import Resource


class Taking:
    """Of one source."""

    def __init__(self, connection: AsyncConnection, vault: Vault, source: str) -> None:
        self._source = source
        self._connection = connection
        self._vault = vault

    async def supersede(self, delivery: Delivery) -> bool:
        """Drop what the former version told; False if this one is the former."""
        version = delivery.version
        if version is None:
            return True
        series = {
            "source": self._source,
            "series": self._vault.name(self._source, "series", *version.series),
        }
        number = f"{version.number:010} {sortable(version.written_at)}"
        # The row comes first: of two versions that come at once, one waits.
        await self._connection.execute(
            insert_new(self._connection, SERIES, {**series, "version": ""})
        )
        place = [SERIES.c[name] == value for name, value in series.items()]
        query = sa.select(SERIES.c.version).where(*place).with_for_update()
        if str(await self._connection.scalar(query)) > number:
            return False
        await self._connection.execute(sa.update(SERIES).where(*place).values(version=number))
        within = [IN_SERIES.c[name] == value for name, value in series.items()]
        former = await self._connection.execute(sa.select(IN_SERIES).where(*within))
        for row in former.all():
            gone = here(self._source, row.type, row.id)
            await self._connection.execute(sa.delete(RESOURCES).where(*gone))
        await self._connection.execute(sa.delete(IN_SERIES).where(*within))
        told = [
            {**series, "type": each["resourceType"], "id": each["id"]}
            for each in delivery.resources
            if each["resourceType"] != PATIENT
        ]
        if told:
            await self._connection.execute(sa.insert(IN_SERIES), told)
        return True

    async def keep(self, resource: Resource) -> None:
        """In place of an older version; one that is newer already stays."""
        type_, id_ = resource["resourceType"], resource["id"]
        patient = await self._survivor(patient_of(resource))
        place = here(self._source, type_, id_)
        version = sortable(resource.get("meta", {}).get("lastUpdated"))
        known = await self._connection.scalar(sa.select(RESOURCES.c.version).where(*place))
        if known is not None and known > version:
            return
        await self._connection.execute(sa.delete(RESOURCES).where(*place))
        if type_ != PATIENT:
            resource = moved(resource, patient_of(resource), patient)
        await self._connection.execute(
            sa.insert(RESOURCES).values(
                source=self._source,
                type=type_,
                id=id_,
                patient=id_ if type_ == PATIENT else patient,
                version=version,
                sealed=self._vault.seal(self._source, type_, id_, resource),
            )
        )
        await self._note_named(resource)

    async def _note_named(self, resource: Resource) -> None:
        place = {"source": self._source, "type": resource["resourceType"], "id": resource["id"]}
        known = [NAMED.c[name] == value for name, value in place.items()]
        await self._connection.execute(sa.delete(NAMED).where(*known))
        numbers = {
            self._vault.name(self._source, "named", each) for each in identifiers_of(resource)
        }
        if numbers:
            rows = [{**place, "number": number} for number in sorted(numbers)]
            await self._connection.execute(sa.insert(NAMED), rows)

    async def retire(self, patient: str, survivor: str) -> None:
        """From now on the survivor's: what is kept of the patient, and what may still come."""
        survivor = await self._survivor(survivor)
        if survivor == patient:
            return
        retired = RETIRED.c
        await self._connection.execute(
            sa.update(RETIRED)
            .where(retired.source == self._source, retired.survivor == patient)
            .values(survivor=survivor)
        )
        of_patient = (retired.source == self._source, retired.patient == patient)
        await self._connection.execute(sa.delete(RETIRED).where(*of_patient))
        await self._connection.execute(
            sa.insert(RETIRED).values(source=self._source, patient=patient, survivor=survivor)
        )
        rows = await self._connection.execute(
            sa.select(RESOURCES).where(
                RESOURCES.c.source == self._source, RESOURCES.c.patient == patient
            )
        )
        for row in rows.all():
            await self._hand_over(row, patient, survivor)

    async def _hand_over(self, row: sa.Row[Any], patient: str, survivor: str) -> None:
        resource = self._vault.open(row.source, row.type, row)
        if row.type == PATIENT:
            other = {"reference": f"{PATIENT}/{survivor}"}
            changed = {
                **resource,
                "active": False,
                "link": [{"other": other, "type": "replaced-by"}],
            }
            values: dict[str, Any] = {}
        else:
            changed = moved(resource, patient, survivor)
            values = {"patient": survivor}
        sealed = self._vault.seal(row.source, row.type, row.id, changed)
        place = here(row.source, row.type, row.id)
        await self._connection.execute(
            sa.update(RESOURCES).where(*place).values(**values, sealed=sealed)
        )

    async def _survivor(self, patient: str) -> str:
        retired = RETIRED.c
        query = sa.select(retired.survivor).where(
            retired.source == self._source, retired.patient == patient
        )
        return str(await self._connection.scalar(query) or patient)
