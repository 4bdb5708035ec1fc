from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.overrides import Outcome, Override, read_overrides
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem

_EFFECTIVE = (Outcome.FROM_EXTERNAL, Outcome.STILL_USED, Outcome.UNUSED)


def override(supergraph: Supergraph) -> Iterator[Problem]:
    """The OVERRIDE_ family.

    OVERRIDE_ON_INTERFACE, OVERRIDE_FROM_SELF_ERROR, OVERRIDE_SOURCE_HAS_OVERRIDE,
    OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE and OVERRIDE_LABEL_INVALID.
    """
    for type_name, field_name, sources in supergraph.subgraphs.fields():
        for found in read_overrides(supergraph.subgraphs, type_name, field_name, sources):
            objection = _objection(found, f"{type_name}.{field_name}")
            if objection is not None:
                code, message = objection
                yield problem(code, message, found.subgraph, found.directive.node)


def _objection(found: Override, coordinate: str) -> tuple[str, str] | None:
    if found.outcome in _EFFECTIVE:
        if found.is_label_valid:
            return None
        message = (
            f'Label "{found.label}" of "{coordinate}" is neither percent(0 to 100) nor a letter'
            " followed by letters, digits and _-:./"
        )
        return "OVERRIDE_LABEL_INVALID", message
    collision = "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE"
    objections = {
        Outcome.ON_INTERFACE: ("OVERRIDE_ON_INTERFACE", "it is a field of an interface"),
        Outcome.ON_INTERFACE_OBJECT: (collision, "it is a field of an @interfaceObject"),
        Outcome.FROM_SELF: ("OVERRIDE_FROM_SELF_ERROR", "it overrides its own subgraph"),
        Outcome.FROM_OVERRIDE: (
            "OVERRIDE_SOURCE_HAS_OVERRIDE",
            f'it has @override in "{found.source}" as well',
        ),
        Outcome.FROM_ABSTRACTED: (
            collision,
            f'"{found.source}" has it by an @interfaceObject only',
        ),
        Outcome.COLLISION: (collision, f"it also bears @{found.collides_with}"),
    }
    if found.outcome not in objections:
        return None
    code, reason = objections[found.outcome]
    return code, f'"{coordinate}" cannot be overridden: {reason}'
