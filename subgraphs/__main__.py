"""Serve one subgraph, or write the schemas of all.

    python -m subgraphs NAME --port N [--host H] [--dev]
    python -m subgraphs export [FOLDER]      schema/subgraphs/<name>.graphql

A subgraph served alone takes its settings from the environment (`subgraphs.runtime.settings`).
`--dev` lets requests without a signed context in, from this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from contract.keys import KeyMissingError
from subgraphs.catalog import export_schemas, names, open_subgraphs
from subgraphs.connectors.config import ConfigError
from subgraphs.identity.index.crypto import IndexUnreadableError
from subgraphs.insight.store.database import StoreUnreadableError
from subgraphs.runtime.app import MAX_BODY
from subgraphs.runtime.server import UnwindingServer
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.runtime.tls import TlsError, server_options

SCHEMAS = Path(__file__).parents[1] / "schema" / "subgraphs"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="subgraphs", description="One subgraph of the graph.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in names():
        serving = commands.add_parser(name, help=f"serve {name}")
        serving.add_argument("--port", type=int, required=True)
        serving.add_argument("--host", default="127.0.0.1")
        serving.add_argument("--dev", action="store_true", help="no signed context on loopback")
    export = commands.add_parser("export", help="write the schemas of all subgraphs")
    export.add_argument("folder", type=Path, nargs="?", default=SCHEMAS)
    given = parser.parse_args(arguments)
    if given.command == "export":
        export_schemas(given.folder)
    elif given.dev and given.host not in ("127.0.0.1", "::1", "localhost"):
        parser.error("--dev serves this machine only: leave --host out")
    else:
        try:
            asyncio.run(_serve(given.command, given.host, given.port, dev=given.dev))
        except (
            ConfigError,
            KeyMissingError,
            IndexUnreadableError,
            StoreUnreadableError,
            TlsError,
        ) as error:
            sys.exit(f"subgraphs: {error}")


async def _serve(name: str, host: str, port: int, *, dev: bool) -> None:
    settings = RuntimeSettings()
    tls = server_options(settings)
    async with open_subgraphs([name], settings, dev=dev) as apps:
        # Schemas live as long as the process: without them the collector's rounds are half as long.
        gc.collect()
        gc.freeze()
        config = uvicorn.Config(
            apps[name],
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=MAX_BODY,
            ws_per_message_deflate=False,
            **tls,
        )
        await UnwindingServer(config).serve()


if __name__ == "__main__":
    main()
