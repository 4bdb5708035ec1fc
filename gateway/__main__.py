"""Run the gateway: `python -m gateway --supergraph supergraph.graphql --port 4000`."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.settings import Settings, SettingsError, load_settings
from gateway.telemetry import start_logging

if TYPE_CHECKING:
    import uvicorn

    from gateway.app import GatewayApp

UNUSABLE = 3
"""What the settings name cannot be used; uvicorn ends with the same where the app cannot start."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = vars(_parser().parse_args(arguments))
    config: Path | None = given.pop("config")
    try:
        settings = load_settings(config, **{k: v for k, v in given.items() if v is not None})
    except SettingsError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return 2
    start_logging(pretty=settings.dev and sys.stderr.isatty())
    return serve(settings)


def serve(settings: Settings) -> int:
    """Serve until a signal ends it; what is under way is finished first.

    A hangup signal has the supergraph read anew.
    """
    if settings.workers == 1:
        return _serve(settings)
    from gateway.workers import UNSTARTED, PortTakenError, run_workers  # noqa: PLC0415 - see `_serve`

    try:
        return run_workers(
            settings.workers,
            settings.host,
            settings.port,
            lambda number, listening: _serve(settings, number, [listening]),
        )
    except PortTakenError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return UNSTARTED


def _serve(
    settings: Settings, worker: int | None = None, sockets: list[socket.socket] | None = None
) -> int:
    # Wrong arguments are told without these.
    from gateway.app import create_app  # noqa: PLC0415 - see above
    from gateway.http.server import DrainingServer  # noqa: PLC0415 - see above

    app = create_app(settings, alone=True, worker=worker)
    try:
        config = server_config(app, settings)
    except SettingsError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return UNUSABLE
    server = DrainingServer(config, app.drain)
    signal.signal(signal.SIGHUP, lambda *_: app.reload_soon())
    server.run(sockets)
    return 0 if server.started else 1


def server_config(app: GatewayApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """Raises `SettingsError` where a file of `tls` cannot be used."""
    import uvicorn  # noqa: PLC0415 - wrong arguments are told without it

    from gateway.http.protocol import GatewayProtocol  # noqa: PLC0415 - likewise

    defaults: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": GatewayProtocol,
        "ws": "gateway.http.server:WebSocketProtocol",
        "ws_max_size": settings.max_body_bytes,
        # What is compressed beside a secret betrays it by its length, and may unpack to gigabytes.
        "ws_per_message_deflate": False,
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "log_level": "warning",
        "server_header": False,
        "timeout_graceful_shutdown": 30,
        # Whose word on a client is taken depends on who is really there, not on a header.
        "proxy_headers": False,
    }
    if settings.tls is not None:
        from gateway.http.tls import server_options  # noqa: PLC0415 - likewise

        defaults |= server_options(settings.tls)
    defaults["http"] = partial(defaults["http"], lane=app.graphql.lane)
    return uvicorn.Config(app, **{**defaults, **options})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description=__doc__)
    parser.add_argument("--supergraph", type=Path, help="the supergraph's SDL")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int, metavar="N", help="processes behind the port")
    parser.add_argument(
        "--dev",
        action="store_true",
        default=None,
        help="nobody signs in; introspection and GraphiQL are on; loopback only",
    )
    parser.add_argument("--config", type=Path, help="a YAML file with settings")
    parser.add_argument(
        "--propagate-header",
        dest="propagate_headers",
        action="append",
        metavar="NAME",
        help="forward this header of the client to the subgraphs; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
