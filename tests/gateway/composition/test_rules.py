"""Every rule has its place in a round, and every kind of hint in the list."""

from pathlib import Path

from gateway.composition import hints, rules

ROUNDS = (
    rules.DOCUMENT_RULES,
    rules.SUBGRAPH_RULES,
    rules.UPGRADE_RULES,
    rules.UPGRADED_RULES,
    rules.NAMING_RULES,
    rules.MERGING_RULES,
    rules.MERGED_RULES,
    rules.API_RULES,
    rules.WALKING_RULES,
)


def modules(package) -> set[str]:
    files = Path(package.__file__).parent.glob("*.py")
    return {f"{package.__name__}.{path.stem}" for path in files if path.stem != "__init__"}


def test_every_rule_file_is_asked():
    asked = [rule for one_round in ROUNDS for rule in one_round]
    assert {rule.__module__ for rule in asked} == modules(rules)
    assert len(asked) == len(set(asked))


def test_every_hint_file_is_asked():
    assert {hinter.__module__ for hinter in hints.HINTERS} == modules(hints)
