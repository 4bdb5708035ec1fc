"""`chartgraph policies`: are they good, do they decide what they must, and who decides what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from chartgraph.explaining import persona_callers
from chartgraph.persona import Persona
from contract.context import Caller
from gateway.authorization.decision_table import failures, read_caller_file, read_table, untested
from gateway.authorization.policies import Policies
from gateway.authorization.policy_files import check_roles, read_policies
from gateway.authorization.roles import read_roles
from gateway.federation.access_rules import access_rules, policy_names
from gateway.federation.supergraph import load_supergraph
from gateway.settings import SettingsError


def read(folder: Path, roles: Iterable[Path]) -> Policies:
    """Raises `SettingsError`, also for roles that no policy could name."""
    policies = read_policies(folder)
    check_roles(policies, {str(path): read_roles(path) for path in roles})
    return policies


def missing(policies: Policies, supergraph: Path) -> list[str]:
    """What the supergraph names and no policy permits. Raises `SupergraphError` or `OSError`."""
    rules = access_rules(load_supergraph(supergraph.read_text(encoding="utf-8")))
    return sorted(policy_names(rules) - policies.decisions)


def complaints(policies: Policies, path: Path) -> tuple[int, list[str]]:
    """How many lines the table has, and what is wrong. Raises `TableRefusedError`."""
    table = read_table(path)
    wrong = [str(failure) for failure in failures(table, policies)]
    wrong += [
        f"{decision}: no line of {path.name} expects {expected}"
        for decision, expected in untested(table, policies)
    ]
    return len(table.decisions), wrong


def caller_of(persona: Persona | None, file: Path | None) -> Caller:
    """Raises `SettingsError` unless exactly one is given."""
    if persona is not None and file is None:
        return persona_callers()[persona]
    if file is not None and persona is None:
        return read_caller_file(file)
    raise SettingsError("say who asks: either --persona or --caller")


def sentences(policies: Policies, decision: str, caller: Caller) -> Iterator[str]:
    ruling = policies.rule(caller, decision)
    yield f"{decision} is {'permitted' if ruling.permitted else 'refused'}."
    for fault in ruling.faults:
        yield f"  It could not be decided: {fault.rpartition(': ')[2]}."
    if not ruling.by and not ruling.faults:
        yield "  No policy permits it to anyone."
    for each in ruling.by:
        yield f"  {each.effect} {each.id} ({each.place}): {each.description}"
