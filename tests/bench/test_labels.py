"""The page on labels tells what the rules make of published records."""

import sys

import pytest

from bench import labels
from subgraphs.runtime.labels.rules import rules
from tests.shared_data import shared_data

PAGE = labels.PAGE.read_text(encoding="utf-8")


@pytest.mark.shared_data
def test_the_table_is_what_the_rules_make_of_the_inputs(capsys, monkeypatch):
    folder = shared_data("synthea-r4").parent
    monkeypatch.setattr(sys, "argv", ["labels", str(folder)])
    labels.main()
    written = PAGE.partition(labels.BEGIN)[2].partition(labels.END)[0].strip()
    assert written == capsys.readouterr().out.strip(), "run python -m bench.labels with --write"


def test_every_rule_has_its_line_on_the_page():
    for rule in rules():
        assert f"| `{rule.id}` | `{rule.label.code}` |" in PAGE


def test_words_of_a_record_are_not_printed(tmp_path):
    folder = tmp_path / "carin"
    folder.mkdir()
    text = b'{"resourceType": "Condition", "id": "1", "code": {"text": "HIV of Ada"}}'
    (folder / "one.json").write_bytes(text)
    (folder / "none.json").write_bytes(b"not JSON")
    printed = labels.table(*labels.count(tmp_path))
    assert "| carin | hiv | HIV | `words` | Condition | 1 |" in printed
    assert "Ada" not in printed
