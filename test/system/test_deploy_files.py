"""The rules and the dashboard of docs/deploy by themselves: what they say, and when they say it."""

import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from support import ROOT
from support.fixtures.deploy_files import DEPLOY, RULES, alert_rules, dashboard, panels

SEVERITIES = {"critical", "warning", "info"}
UNITS = {"amp", "amph", "bytes", "celsius", "cps", "kwatth", "none", "percentunit", "s", "volt", "watt"}
"""Of Grafana's own list: amperes, ampere-hours, bytes, degrees, counts per second, kilowatt-hours, and so on."""


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_configuration_and_rules() -> None:
    promtool("check", "config", "--syntax-only", DEPLOY / "prometheus.yml")  # the tokens are not there
    promtool("check", "rules", RULES)


def test_each_alert_fires_when_it_should_and_not_before(root: Path) -> None:
    cases = root / "test/data/prometheus_rules.yml"
    promtool("test", "rules", cases)
    assert set(re.findall(r'alertname="(\w+)"', cases.read_text())) == alert_rules().keys()


def test_each_alert_says_what_is_wrong_how_bad_it_is_and_what_to_do() -> None:
    for name, rule in alert_rules().items():
        assert rule["labels"]["severity"] in SEVERITIES, name
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"], name
        assert len(rule["annotations"]["description"].split(". ")) >= 2, f"{name}: what it means, and what to do"


def test_only_the_configured_job_is_judged() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    (label,) = job["relabel_configs"]
    assert label["target_label"] == "job"
    for name, rule in alert_rules().items():
        selectors = re.findall(r"\b(?:tinybms_\w+|up)\b(?:\{[^}]*\})?", rule["expr"])
        assert selectors and all(f'job="{label["replacement"]}"' in selector for selector in selectors), name


def test_the_page_lists_each_alert_with_its_severity_and_its_time() -> None:
    rows = re.findall(
        r"^\| `(TinyBMS\w+)` \| (\w+) \| (\w+|at once) \|", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE
    )
    assert {name: (severity, time) for name, severity, time in rows} == {
        name: (rule["labels"]["severity"], rule.get("for", "at once")) for name, rule in alert_rules().items()
    }


def test_panels_have_an_id_each_known_units_and_a_place_of_their_own() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    for panel in panels():
        assert set(panel.units) <= UNITS, panel.title
        assert panel.expressions and len(set(panel.refs)) == len(panel.refs), panel.title
    for one, other in combinations(everything, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), f"{one['title']} and {other['title']}"
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in everything)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[length] and other[start] < one[start] + one[length]
        for start, length in (("x", "w"), ("y", "h"))
    )


def test_the_dashboard_asks_the_chosen_prometheus_about_the_chosen_gateway() -> None:
    assert [one["name"] for one in dashboard()["templating"]["list"]] == ["datasource", "device", "instance"]
    for panel in panels():
        for expression in panel.expressions:
            selectors = re.findall(r"\b(?:tinybms_\w+|ALERTS)\b(?:\{[^}]*\})?", expression)
            assert selectors and all('instance="$instance"' in selector for selector in selectors), expression
    sources = {source["uid"] for source in datasources(dashboard()) if source["type"] == "prometheus"}
    assert sources == {"${datasource}"}


def datasources(part: Any) -> list[dict[str, str]]:
    """All that a part of the dashboard names."""
    if isinstance(part, list):
        return [source for one in part for source in datasources(one)]
    if isinstance(part, dict):
        own = [part["datasource"]] if isinstance(part.get("datasource"), dict) else []
        return own + [source for one in part.values() for source in datasources(one)]
    return []
