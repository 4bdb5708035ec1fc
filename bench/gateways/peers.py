"""The gateways, each as the command that starts it; who is not installed is left out, and named."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.gateways.scenario import SUBGRAPHS, sdl, url
from bench.gateways.signing import AUDIENCE, ISSUER, KEYS_URL

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
MODULES: Final = HERE / "node_modules"
OURS: Final = "Chartgraph"
_GRAFBASE: Final = MODULES / "@grafbase/cli-x86_64-unknown-linux-musl/grafbase"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Peer:
    title: str
    command: tuple[str, ...]
    port: int
    path: str = "/graphql"
    needs: Path | None = None
    """What has to be installed."""
    signed: bool = False
    """Whether it verifies who asks."""

    @property
    def installed(self) -> bool:
        return self.needs is None or (self.needs.exists() and shutil.which("node") is not None)


def peers(folder: Path) -> list[Peer]:
    """`folder` takes what they read: the supergraph, and each one's own settings."""
    supergraph = str(folder / "supergraph.graphql")
    hive = MODULES / ".bin/hive-gateway"
    return [
        Peer(OURS, _ours(folder, 4481, audit=False), 4481, signed=True),
        Peer(f"{OURS}, audited", _ours(folder, 4485, audit=True), 4485, signed=True),
        Peer(f"{OURS} --dev", (*_python(supergraph), "--dev", "--port", "4486"), 4486),
        Peer(
            "Apollo Gateway",
            ("node", str(HERE / "apollo.mjs")),
            4482,
            "/",
            MODULES / "@apollo/gateway",
        ),
        Peer(
            "Hive Gateway, Rust planner",
            (
                *(str(hive), "supergraph", supergraph, "-c", str(HERE / "hive.mjs")),
                *("--host", "127.0.0.1", "--port", "4483", "--fork", "1"),
            ),
            4483,
            needs=hive,
        ),
        Peer("Grafbase (CLI)", _grafbase(folder, 4484), 4484, needs=_GRAFBASE),
    ]


def _python(supergraph: str) -> tuple[str, ...]:
    forwarding = ("--propagate-header", "authorization")
    return (sys.executable, "-m", "gateway", "--supergraph", supergraph, *forwarding)


def _ours(folder: Path, port: int, *, audit: bool) -> tuple[str, ...]:
    """As it runs in production: with whatever is on unless it is switched off."""
    home = folder / f"home-{port}"
    home.mkdir(exist_ok=True)
    key = base64.b64encode(bytes(32)).decode()
    settings = home / "gateway.yaml"
    settings.write_text(
        f"{{home: '{home}', audit: {str(audit).lower()}, master_key: '{key}', issuers: ["
        f"{{issuer: '{ISSUER}', audience: [{AUDIENCE}], jwks_uri: '{KEYS_URL}'}}]}}"
    )
    supergraph = str(folder / "protected.graphql")
    return (*_python(supergraph), "--port", str(port), "--config", str(settings))


def _grafbase(folder: Path, port: int) -> tuple[str, ...]:
    """It composes for itself."""
    lines = [
        "[traffic_shaping]\ninflight_deduplication = false",
        '[[headers]]\nrule = "forward"\nname = "authorization"',
    ]
    for name in SUBGRAPHS:
        path = folder / f"{name}.graphql"
        path.write_text(sdl(name))
        lines.append(f'[subgraphs.{name}]\nurl = "{url(name)}"\nschema_path = "{path}"')
    settings = folder / "grafbase.toml"
    settings.write_text("\n\n".join(lines))
    home = folder / "grafbase"
    home.mkdir(exist_ok=True)
    address = f"127.0.0.1:{port}"
    return (
        *(str(_GRAFBASE), "--home", str(home)),
        *("dev", "-c", str(settings), "--listen-address", address),
    )


class Process:
    """A command in a process group of its own, whose CPU time and memory are summed."""

    def __init__(self, command: tuple[str, ...], *, core: int, log: Path, port: int = 0) -> None:
        environment = {
            **os.environ,
            "PORT": str(port),
            "SUPERGRAPH": str(log.parent / "supergraph.graphql"),
            "NODE_ENV": "production",
            "LOG_LEVEL": "error",
            "CHARTGRAPH_HOME": str(log.parent / "home"),
        }
        self._log = log
        ours = os.sched_getaffinity(0)
        # Whatever it starts, processes and threads, stays on the core it was born on.
        os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the commands above
                command,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.sched_setaffinity(0, ours)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
        return sum(int(each[11]) + int(each[12]) for each in self._stats()) / _TICKS

    def resident_megabytes(self) -> float:
        pages = sum(int(each[21]) for each in self._stats())
        return pages * os.sysconf("SC_PAGESIZE") / 2**20

    def pause(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.alive:
            self.go_on()
        for how in (signal.SIGTERM, signal.SIGKILL):
            if self.alive:
                os.killpg(self._process.pid, how)
                deadline = time.monotonic() + 5
                while self.alive and time.monotonic() < deadline:
                    time.sleep(0.05)

    def _stats(self) -> list[list[str]]:
        """Of the whole group, what follows each process's name."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == self._process.pid:
                found.append(fields)
        return found
