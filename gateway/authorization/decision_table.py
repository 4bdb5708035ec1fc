"""What policies must decide, written as data and asked of them.

`decisions.yaml` names callers and, line by line, which decision is expected for whom. A decision of
the policies that no line shows both permitted and refused counts as untested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import yaml

from contract.context import Caller
from gateway.authorization.policies import Policies, Ruling
from gateway.settings import SettingsError

T = TypeVar("T")


class TableRefusedError(SettingsError):
    """The table cannot be read; the message says where."""


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller as the table, or a file of its own, tells it."""

    roles: tuple[str, ...] = ()
    purpose: str = "TREAT"
    client: str = ""
    organization: str | None = None
    issuer: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def caller(self) -> Caller:
        return Caller(
            "",
            client_id=self.client,
            issuer=self.issuer,
            roles=self.roles,
            scopes=self.scopes,
            purpose=self.purpose,
            organization=self.organization,
        )


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    caller: str
    policy: str
    expected: Literal["permit", "refuse"]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    callers: dict[str, Described]
    decisions: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    line: Line
    ruling: Ruling

    def __str__(self) -> str:
        told = "permitted" if self.ruling.permitted else "refused"
        by = ", ".join(each.id for each in self.ruling.by) or "; ".join(self.ruling.faults)
        return f"{self.line.policy} is {told} to {self.line.caller}" + (f" ({by})" if by else "")


def read_table(path: Path) -> Table:
    """Raises `TableRefusedError`."""
    table = _convert(path, Table)
    for number, line in enumerate(table.decisions):
        if line.caller not in table.callers:
            raise TableRefusedError(
                f"{path}: decisions[{number}] names no caller of the table; add {line.caller}"
            )
    return table


def read_caller_file(path: Path) -> Caller:
    """One caller, in YAML or JSON. Raises `TableRefusedError`."""
    return _convert(path, Described).caller


def failures(table: Table, policies: Policies) -> Iterator[Failure]:
    """The lines that the policies decide otherwise."""
    for line in table.decisions:
        ruling = policies.rule(table.callers[line.caller].caller, line.policy)
        if ruling.permitted != (line.expected == "permit"):
            yield Failure(line, ruling)


def untested(table: Table, policies: Policies) -> list[tuple[str, str]]:
    """What no line shows: a decision, and that it is ever permitted or ever refused."""
    shown = {(line.policy, line.expected) for line in table.decisions}
    return [
        (decision, expected)
        for decision in sorted(policies.decisions)
        for expected in ("permit", "refuse")
        if (decision, expected) not in shown
    ]


def _convert(path: Path, type_: type[T]) -> T:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(content, type_)
    except (OSError, UnicodeDecodeError):
        raise TableRefusedError(f"{path} cannot be read") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise TableRefusedError(f"{path} is no YAML{place}") from None
    except msgspec.ValidationError as error:
        raise TableRefusedError(f"{path}: {error}") from None
