"""The operator's guide names every setting and every metric there is."""

from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.telemetry import Metrics
from gateway.trust import Issuer

GUIDE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
# Given as a variable only, and told among the keys.
ELSEWHERE = {"master_key": "CHARTGRAPH_MASTER_KEY"}


@pytest.mark.parametrize("name", [*Settings.model_fields, *Issuer.model_fields])
def test_names_every_setting(name):
    assert f"`{ELSEWHERE.get(name, name)}`" in GUIDE


@pytest.mark.parametrize("metric", [metric.name for metric in Metrics().registry.collect()])
def test_names_every_metric(metric):
    stem = metric.removeprefix("chartgraph_audit")
    assert metric in GUIDE or f"…{stem}" in GUIDE
