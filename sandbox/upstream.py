"""One system of the sandbox: what it answers, its port, its ledger and its faults."""

from __future__ import annotations

from typing import Protocol

from sandbox.faults import Faults, FaultSwitch, Outage
from sandbox.httpserver import Listener, Request, Response
from sandbox.ledger import Call, Ledger


class Application(Protocol):
    def classify(self, request: Request) -> Call:
        """What the ledger is to count; never raises."""

    async def respond(self, request: Request) -> Response: ...


class Upstream:
    """`open` first, so that the port is known; `mount` then gives it something to say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = Ledger()
        self._application: Application | None = None
        self._switch = FaultSwitch(self._respond, self._is_write)
        self._listener = Listener(self._receive)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def faults(self) -> Faults:
        return self._switch.faults

    def mount(self, application: Application) -> None:
        self._application = application

    async def open(self, port: int) -> None:
        await self._listener.open(port)

    async def close(self) -> None:
        await self._listener.close()

    async def set_faults(self, faults: Faults) -> None:
        self._switch.set(faults)
        if faults.outage is Outage.REFUSE:
            await self._listener.close()
        else:
            await self._listener.open()

    async def _receive(self, request: Request) -> Response:
        if self._application is None:
            return Response(503, b"starting", "text/plain")
        self.ledger.record(self._application.classify(request))
        return await self._switch(request)

    def _is_write(self, request: Request) -> bool:
        assert self._application is not None
        return self._application.classify(request).writes

    async def _respond(self, request: Request) -> Response:
        assert self._application is not None
        return await self._application.respond(request)
