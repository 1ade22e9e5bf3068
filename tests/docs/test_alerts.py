"""Alerts, dashboard and runbook speak of figures and pages that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import mangaassist.instruments  # noqa: F401  (registers them)
import partners.webhooks.delivering  # noqa: F401
from mangaassist.analytics import metrics as of_analytics
from mangaassist.breaker import BreakerStates
from mangaassist.health import metrics as of_health
from tests.docs.pages import ROOT, headings

GROUPS: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/mangaassist.json").read_text())
RUNBOOK = ROOT / "docs/runbook.md"
FIRING: dict[str, Any] = yaml.safe_load((ROOT / "tests/docs/alerts.promtool.yml").read_text())
# Prometheus' own, and those of prometheus_client's collectors for this platform.
GIVEN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
_WORDS = {
    "sum", "max", "min", "group", "by", "on", "rate", "increase", "last_over_time", "histogram_quantile", "absent", "and",
    "or", "unless", "group_left",
}  # fmt: skip
_QUOTED = re.compile(r'"[^"]*"')
_BRACED = re.compile(r"\{[^}]*\}")
_GROUPED = re.compile(r"\b(?:by|on|group_left)\s*\([^)]*\)")


def names(expression: str) -> set[str]:
    """The metrics of a PromQL expression: the words that are no function, label, range or number."""
    bare = _GROUPED.sub("", _BRACED.sub("", _QUOTED.sub("", expression)))
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    return {word for word in re.findall(r"[A-Za-z_:][\w:]*", bare) if word not in _WORDS}


def labels(expression: str) -> Iterator[tuple[str, str, str]]:
    """(metric, label, what it is compared with)."""
    for metric, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, value in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers):
            yield metric, label, value


def families() -> dict[str, set[str]]:
    """Every sample's name that this code can tell, with its family's labels."""
    found: dict[str, set[str]] = {}
    for collector in list(REGISTRY._collector_to_names):
        own = set(getattr(collector, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[collector]:
            found[name] = own
    # Collectors of the moment tell nothing until there is something: their names stand in their code.
    for collector in (
        BreakerStates(),
        of_health.Conversations(),
        of_health.CacheEvents(),
        OUTBOX,
        PEOPLE,
        PARTS,
    ):
        for family in collector.collect():
            suffix = "_total" if family.type == "counter" else ""
            found[family.name + suffix] = {label for sample in family.samples for label in sample.labels}
    for family in of_analytics.BufferMetrics().collect():
        found[family.name + ("_total" if family.type == "counter" else "")] = set()
    return found


OUTBOX, PEOPLE, PARTS = of_health.OutboxBacklog(), of_health.People(), of_health.Parts()
PEOPLE.queue = of_health.Queue(0, None, 0)
PANELS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up{job=\"web\"} == 0", {"up"}),
        ("sum by (a, b) (rate(x_total{c=~\"d|e\"}[5m])) / sum(rate(y_count[$__rate_interval])) > 0.05", {"x_total", "y_count"}),
        ("histogram_quantile(0.99, sum by (le) (rate(z_bucket[5m]))) > 5 or max(w) == 1", {"z_bucket", "w"}),
    ],
)  # fmt: skip
def test_metrics_of_an_expression(expression: str, found: set[str]) -> None:
    assert names(expression) == found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_whole_and_its_page_exists(rule: dict[str, Any]) -> None:
    assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert ROOT / page == RUNBOOK
    assert anchor in headings(RUNBOOK)
    assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize(
    "expression",
    [*(rule["expr"] for rule in RULES), *dict.fromkeys(expr for _, expr in PANELS)],
    ids=lambda each: each[:70],
)
def test_every_figure_exists(expression: str) -> None:
    known = families()
    assert names(expression) - GIVEN - known.keys() == set()
    for metric, label, _ in labels(expression):
        if known.get(metric):
            assert label in known[metric], f"{metric} has no label {label}"


def test_every_page_of_the_runbook_is_some_alerts() -> None:
    told = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in RULES}
    assert headings(RUNBOOK) - {"runbook"} == told


def test_alerts_have_names_of_their_own() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_dashboard_has_its_rows_and_no_panel_lies_over_another() -> None:
    assert [each["title"] for each in DASHBOARD["panels"] if each["type"] == "row"] == [
        "Shopper", "Turn", "Cache", "Outbox", "People", "Partners", "Processes",
    ]  # fmt: skip
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_labels_have_few_values() -> None:
    """What a shopper, a partner or the network chooses is no label."""
    allowed = {
        "status", "step", "code", "kind", "generator", "guard", "engine", "degraded", "topic", "outcome", "executor",
        "task", "state", "breaker", "event", "part", "queue", "generation", "version", "implementation", "major",
        "minor", "patchlevel",
    }  # fmt: skip
    assert {label for own in families().values() for label in own} <= allowed


# --- Prometheus' own opinion

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus)")


def promtool(*arguments: str | Path) -> None:
    """Asserts that it is content."""
    done = subprocess.run(["promtool", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_reads_its_files() -> None:
    promtool("check", "config", ROOT / "deploy/prometheus/prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", ROOT / "deploy/prometheus/alerts.yml")


@needs_promtool
def test_prometheus_reads_every_panel(tmp_path: Path) -> None:
    """Grafana puts its range in; the rest is Prometheus' language."""
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, (_, expression) in enumerate(PANELS)
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", file)


@needs_promtool
def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", ROOT / "tests/docs/alerts.promtool.yml")


def test_every_alert_that_pages_somebody_has_been_seen_to_fire() -> None:
    seen = {each["alertname"] for test in FIRING["tests"] for each in test["alert_rule_test"] if each["exp_alerts"]}
    assert {rule["alert"] for rule in RULES if rule["labels"]["severity"] == "page"} <= seen
