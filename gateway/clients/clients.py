"""The clients at work: who a token's client is, and what it may at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from contract.context import Caller
from contract.errors import Code
from gateway.bounds import Unknown
from gateway.cache.lru import LruCache
from gateway.clients.bounding import cut
from gateway.clients.registry import Client, ClientsError, read_clients
from gateway.clients.uses import Uses
from gateway.errors import AccessError
from gateway.settings import Settings, SettingsError

CUTS: Final = 10_000


class Clients:
    """One reading of the registry; another is another `Clients`."""

    def __init__(
        self,
        registered: Mapping[str, Client],
        other: Client,
        unknown: Unknown,
        uses: Uses,
    ) -> None:
        """`other` stands for every client that is not registered, where such are let in."""
        self.registered = registered
        self._other = other
        self._unknown = unknown
        self._uses = uses
        self._cuts: LruCache[tuple[str, tuple[str, ...]], tuple[str, ...]] = LruCache(CUTS)

    def get(self, client_id: str) -> Client | None:
        return self.registered.get(client_id)

    def admit(self, caller: Caller | None) -> Client:
        """Who asks, and that it did; raises `AccessError` for a client that is not let in.

        Without a caller nobody is signed in, which is not for the registry to judge.
        """
        client = self.find(caller)
        self.note(caller)
        return client

    def find(self, caller: Caller | None) -> Client:
        """As `admit`, of somebody who does not ask yet."""
        if caller is None:
            return self._other
        client = self.registered.get(caller.client_id)
        if client is None:
            if self._unknown is Unknown.REFUSE:
                raise AccessError(Code.CLIENT_UNKNOWN)
            client = self._other
        return client

    def note(self, caller: Caller | None) -> None:
        """That it asked, and was let in."""
        if caller is not None:
            self._uses.note(caller.client_id)

    def bounded(self, caller: Caller) -> Caller:
        """With no scope beyond what its client is registered for."""
        client = self.registered.get(caller.client_id)
        if client is None or client.scopes is None:
            return caller
        key = (caller.client_id, caller.scopes)
        kept = self._cuts.get(key)
        if kept is None:
            kept = cut(caller.scopes, client.scopes)
            self._cuts.put(key, kept)
        return caller if kept == caller.scopes else msgspec.structs.replace(caller, scopes=kept)


def open_clients(settings: Settings, uses: Uses) -> Clients:
    """As the settings name them; without a registry everyone is let in. Raises `SettingsError`.

    Where nobody signs in there is one client, which nobody registers.
    """
    registered: Mapping[str, Client] = {}
    unknown = Unknown.ALLOW
    if settings.clients is not None:
        unknown = Unknown.REFUSE
        try:
            registered = read_clients(settings.clients, settings.limits, settings.budget)
        except ClientsError as error:
            raise SettingsError(str(error)) from None
    other = Client("", limits=settings.limits, budget=settings.budget)
    if settings.unknown_clients is not None:
        unknown = settings.unknown_clients
    return Clients(registered, other, Unknown.ALLOW if settings.dev else unknown, uses)
