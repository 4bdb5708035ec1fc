"""Logs and metrics that hold no PHI, by construction.

A log line consists of keys named in `KEYS`; any other is dropped before it is written, and an
exception is told by its type and the places it passed, never by its message. Metrics carry labels
with few values, all of them ours.
"""

from __future__ import annotations

import io
import logging
import os
import random
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from copy import copy
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import Metric

from gateway.tallies import TallyCounter, TallyHistogram

KEYS = frozenset(
    {
        "event", "level", "timestamp", "request_id", "code", "codes", "status", "subgraph",
        "operation_name", "operation_hash", "document", "kind", "seconds", "bytes", "count",
        "client_id", "issuer", "reason", "address", "path", "process", "exception", "places",
        "grants",
    }
)  # fmt: skip
MAX_LENGTH = 200
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
# Not a secret: it has to be unlike any other, and is made for every request.
_request_ids = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_request_ids.seed)


def allow_listed(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: what is left is only what may be written."""
    exc_info = line.pop("exc_info", None)
    if exc_info:
        line.update(_describe(exc_info))
    told = ((key, value) for key, value in line.items() if key in KEYS and value is not None)
    return {key: _shorten(value) for key, value in told}


def _render(logger: Any, method: str, line: MutableMapping[str, Any]) -> Any:
    return _look.renderer(logger, method, line)


@dataclass(slots=True)
class _Look:
    renderer: structlog.types.Processor = field(default_factory=structlog.processors.JSONRenderer)


class _StandardError(io.StringIO):
    """Whatever it is at the time of writing: a server may exchange it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_look = _Look()

# Bound to its processors here and not by a global configuration, so that no application we are
# part of, and no forgotten call, lets a line past the list.
log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    structlog.WriteLogger(_StandardError()),
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        allow_listed,
        _render,
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    cache_logger_on_first_use=True,
)
"""Say `log.info("what_happened", key=value)` with keys from the list above."""


class _LibraryLines(logging.Handler):
    """What libraries say, by the same list: what they fill into their words may be anything.

    asyncio writes out an exception that nobody took, and a server the one an application raised.
    """

    def emit(self, record: logging.LogRecord) -> None:
        say = log.error if record.levelno >= logging.ERROR else log.warning
        said: dict[str, Any] = {}
        if record.name.startswith("uvicorn"):
            # It speaks of sockets, and of why we do not start.
            said["reason"] = record.getMessage().strip()
        elif record.args:
            said["reason"] = str(record.msg)
        if record.exc_info:
            said["exc_info"] = record.exc_info
        else:
            said["places"] = [f"{record.pathname}:{record.lineno} {record.funcName}"]
        say(record.name, **said)


def start_logging(*, pretty: bool = False) -> None:
    """For a process that is the gateway alone: the libraries' lines too, and colours if wanted."""
    logging.basicConfig(handlers=[_LibraryLines()], level=logging.WARNING)
    if pretty:
        _look.renderer = structlog.dev.ConsoleRenderer()


def new_request_id() -> str:
    """Ours, never the client's: an access report is bound to it."""
    return f"{_request_ids.getrandbits(96):024x}"


def loggable_name(name: str | None) -> str | None:
    """An operation's name, if it is one: what a client sends may be anything."""
    return name if name and _NAME.fullmatch(name) else None


class Metrics:
    """One set per app, so that two apps in one process keep theirs apart."""

    def __init__(self, worker: int | None = None) -> None:
        """`worker` is the number of this process among those behind one port."""
        self.registry = CollectorRegistry()
        self._worker = worker
        self.requests = TallyCounter(
            "chartgraph_requests", "Answered requests", "code", self.registry
        )
        self.seconds = TallyHistogram(
            "chartgraph_request_seconds",
            "From the request's last byte to the answer's first",
            (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            self.registry,
        ).of()
        self.denials = Counter(
            "chartgraph_denials", "Fields refused", ["code"], registry=self.registry
        )
        self.plans_failed = Counter(
            "chartgraph_plans_failed",
            "Operations that no plan was found for",
            registry=self.registry,
        )
        self.subgraph_errors = Counter(
            "chartgraph_subgraph_errors",
            "Answers that tell an error of a subgraph",
            ["subgraph", "code"],
            registry=self.registry,
        )
        self.audit_records = Counter(
            "chartgraph_audit_records", "Committed audit records", registry=self.registry
        )
        self.audit_commits = Counter(
            "chartgraph_audit_commits", "Commits that held them", registry=self.registry
        )
        self.broken_glass = Counter(
            "chartgraph_broken_glass",
            "Answers that broke the glass, and those that were seen through it",
            ["what"],
            registry=self.registry,
        )
        self.reports_refused = Counter(
            "chartgraph_access_reports_refused",
            "Answers kept back because their access report was missing or forged",
            ["subgraph"],
            registry=self.registry,
        )
        self.issuer_failures = Counter(
            "chartgraph_issuer_failures",
            "Questions that an issuer of tokens did not answer, or not usably",
            ["issuer", "asked"],
            registry=self.registry,
        )
        self.issuer_keys_age = Gauge(
            "chartgraph_issuer_keys_age_seconds",
            "Since the keys in use were fetched from their issuer",
            ["issuer"],
            registry=self.registry,
        )
        self.reload_refused = Gauge(
            "chartgraph_reload_refused",
            "1 while supergraph, policies or roles on the disk are bad and older ones are served",
            registry=self.registry,
        )
        self.cost = TallyHistogram(
            "chartgraph_operation_cost",
            "Points an operation was estimated to cost, and did cost",
            (1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 1_000_000),
            self.registry,
            label="kind",
        )
        self.budget_fallbacks = Counter(
            "chartgraph_budget_fallbacks",
            "Draws on a budget that this process decided alone, for Redis was away",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "chartgraph_requests_in_flight", "Requests being answered", registry=self.registry
        )
        self.streams = Gauge(
            "chartgraph_streams", "Subscriptions and deferred answers", registry=self.registry
        )
        self.sockets = Gauge("chartgraph_sockets", "Open WebSockets", registry=self.registry)

    def expose(self) -> bytes:
        """In Prometheus's text format; of a worker, with its number as a label of every series.

        Whoever asks reaches one of the workers: their series must not pass for one another.
        """
        return generate_latest(self.registry if self._worker is None else self)

    def collect(self) -> Iterator[Metric]:
        for metric in self.registry.collect():
            labelled = copy(metric)
            labelled.samples = [
                each._replace(labels={**each.labels, "worker": str(self._worker)})
                for each in metric.samples
            ]
            yield labelled


def _describe(exc_info: Any) -> dict[str, Any]:
    if isinstance(exc_info, BaseException):
        error, trace = exc_info, exc_info.__traceback__
    else:
        _, error, trace = exc_info if isinstance(exc_info, tuple) else sys.exc_info()
    return {"exception": type(error).__name__, "places": _places(trace)}


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


def _shorten(value: Any) -> Any:
    return value[:MAX_LENGTH] if isinstance(value, str) else value
