"""The alerts, the dashboard and the scrape example: Prometheus takes them, and they ask for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from scrypath_celery.metrics import collector
from scrypath_celery.metrics.families import FAMILIES
from tests.integration.operator.conftest import shop
from tests.services.absence import absent
from tests.services.process import binary
from tests.shop import Shop
from tests.unit.test_docs import CHECKOUT

__all__ = ["shop"]

FOLDER = CHECKOUT / "examples" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text()
SERIES = {series for family in FAMILIES.values() for series in family.series}
RUNBOOKS = "docs/search-backend-operations.md"
METRIC = re.compile(r"\bscrypath_[a-z_]+")


def promtool(*words: str, text: str = "") -> str:
    """What promtool answers to these words in the folder; it must find nothing wrong."""
    program = binary("promtool", "/opt/promtool/bin")
    if program is None:
        absent("promtool", "it comes with Debian's package prometheus")
    done = subprocess.run([program, *words], cwd=FOLDER, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def panels() -> list[dict[str, Any]]:
    found = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


@pytest.mark.parametrize(
    "words", ["check rules alerts.yml", "check config prometheus.yml", "test rules alerts_test.yml"]
)
def test_prometheus_takes_the_alerts_and_they_strike_when_they_should(words: str) -> None:
    assert "SUCCESS" in promtool(*words.split())


def test_prometheus_takes_what_a_scrape_is_answered_with(shop: Shop) -> None:
    shop.add(1)
    shop.search.drain()
    registry = CollectorRegistry()
    registry.register(collector(shop.search))
    assert promtool("check", "metrics", text=generate_latest(registry).decode()) == ""


def test_every_alert_has_a_test_of_its_own() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(alerts) == len(set(alerts)) > 10
    assert sorted(re.findall(r"name: (\w+)\n    input", (FOLDER / "alerts_test.yml").read_text())) == sorted(alerts)


@pytest.mark.parametrize("alert", re.findall(r"- alert: (\w+)", ALERTS))
def test_every_alert_leads_to_its_section_of_the_runbook(alert: str) -> None:
    assert f"runbook_url: {RUNBOOKS}#{alert.lower()}\n" in ALERTS
    assert f"\n### {alert}\n" in (CHECKOUT / RUNBOOKS).read_text()


def test_alerts_ask_for_metrics_that_there_are() -> None:
    asked = {name for line in ALERTS.splitlines() if "summary" not in line for name in METRIC.findall(line)}
    assert asked
    assert asked - SERIES == set()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    asked = {name for panel in panels() for target in panel["targets"] for name in METRIC.findall(target["expr"])}
    assert asked
    assert asked - SERIES == set()


def test_panels_of_the_dashboard_stand_beside_each_other() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels())
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_every_metric_is_explained_in_the_pages() -> None:
    page = (CHECKOUT / "docs" / "metrics-logs-and-traces.md").read_text()
    told = set(re.findall(r"^\| `(scrypath_[a-z_]+)`", page, re.MULTILINE))
    assert told == set(FAMILIES)


def test_queries_of_the_example_use_the_port_of_the_exporter() -> None:
    assert "127.0.0.1:9808" in Path(FOLDER / "prometheus.yml").read_text()
