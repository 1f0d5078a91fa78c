"""Prometheus, with the configuration, the rules and the dashboard of docs/deploy, reads native gateways."""

import functools
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.fixtures.access import set_up
from support.fixtures.deploy_files import RULES, alert_rules, dashboard, panels, shipped
from support.fixtures.ports import free_ports
from support.instruments.promql import of_one_instance, selectors, without_filters
from support.instruments.watch import wait_until
from support.peers.prometheus import Alert, Prometheus, prometheus
from tinybms_gateway.gateway_stack import gateway_stack

ONLY_IN_A_FAULT = {"tinybms_bms_fault", "ALERTS"}
"""Series that a healthy gateway does not have: one for each open fault, one for each alert."""

NEVER_HERE = {"cell_count|cells_contradict|no_temperature|sensor_lost|setting_missing|settings_contradictory"}
"""Reasons of limits that neither gateway has; test_deploy_files.py has the rule fire."""


def configuration(directory: Path, *targets: str) -> Path:
    """The shipped one, with a block for each target, as its comment says.

    It differs in the two intervals, so that the test need not wait for minutes.
    """
    directory.joinpath("rules.yml").write_text(RULES.read_text())
    head, mark, block = shipped(
        "prometheus.yml",
        {
            "scrape_interval: 15s": "scrape_interval: 1s",
            "scrape_timeout: 10s": "scrape_timeout: 1s",
            "evaluation_interval: 15s": "evaluation_interval: 500ms",
        },
    ).partition("  - job_name: tinybms-1\n")
    path = directory / "prometheus.yml"
    path.write_text(head)
    with path.open("a") as file:
        for number, target in enumerate(targets, 1):
            file.write((mark + block).replace("tinybms-1", f"tinybms-{number}").replace("192.168.1.20:80", target))
    return path


@contextmanager
def two_gateways(directory: Path, healthy: str, faulty: str) -> Iterator[None]:
    """One with a battery in order, one with an over-voltage from the fifth to the eleventh second.

    Prometheus reads their tokens anew each time; before, it is refused.
    """
    with (
        gateway_stack(http=healthy) as one,
        gateway_stack(http=faulty, scenario="overvoltage") as other,
    ):
        for number, stack in enumerate((one, other), 1):
            token = set_up(stack.gateway).token("prometheus")
            directory.joinpath(f"tinybms-{number}.token").write_text(token + "\n")
        yield


@dataclass(frozen=True)
class Wanted:
    """An expression that must have a result."""

    where: str
    expression: str


def wanted(of_faulty: bool, instance: str, device: str) -> list[Wanted]:
    """What rules and dashboard read of one of the two gateways: of the faulty one only what the other cannot have."""

    def mine(expression: str) -> bool:
        return any(only in expression for only in ONLY_IN_A_FAULT) == of_faulty

    found: list[Wanted] = []
    for name, rule in alert_rules().items():
        expression = rule["expr"]
        if mine(expression) and not any(reasons in expression for reasons in NEVER_HERE):
            parts = {without_filters(expression), *selectors(expression)}
            found += [Wanted(name, of_one_instance(part, instance)) for part in sorted(parts)]
    asked = [(panel.title, expression) for panel in panels() for expression in panel.expressions]
    asked += [
        (variable["name"], selector)
        for variable in dashboard()["templating"]["list"]
        for selector in selectors(variable.get("definition", ""))
    ]
    grafana = {"$instance": instance, "$device": device, "$__rate_interval": "1m"}
    for where, expression in asked:
        if mine(expression):
            found.append(
                Wanted(where, functools.reduce(lambda text, one: text.replace(*one), grafana.items(), expression))
            )
    return found


def device_of(server: Prometheus, instance: str) -> str:
    """The name that a gateway gives itself."""
    (info,) = server.query(f'max_over_time(tinybms_build_info{{instance="{instance}"}}[1m])')
    return info.labels["device"]


def without_result(server: Prometheus, asked: Iterable[Wanted], at_s: float | None = None) -> list[Wanted]:
    return [one for one in asked if not server.query(one.expression, at_s)]


def test_an_over_voltage_fires_its_alerts_and_every_expression_has_data(tmp_path: Path) -> None:
    """Prometheus is there first: the fault comes 5 s after the start of the gateways, and lasts 6 s."""
    healthy, faulty = (f"127.0.0.1:{port}" for port in free_ports(2))
    file = configuration(tmp_path, healthy, faulty)
    with prometheus(tmp_path, file) as server, two_gateways(tmp_path, healthy, faulty):
        expected = {"TinyBMSAlarm": "firing", "TinyBMSFault": "firing", "TinyBMSChargingBlocked": "pending"}
        alerts: dict[str, Alert] = {}

        def all_there() -> bool:
            alerts.clear()
            alerts.update({alert.name: alert for alert in server.alerts(faulty)})
            return expected.items() <= {name: alert.state for name, alert in alerts.items()}.items()

        wait_until(all_there, 30.0, lambda: f"only {alerts}")
        at_s = time.time()
        assert firing(alerts.values()) == {"TinyBMSAlarm", "TinyBMSFault"}
        assert alerts["TinyBMSAlarm"].labels["alarm"] == "high_voltage"
        assert "high_voltage" in alerts["TinyBMSAlarm"].annotations["summary"]
        assert alerts["TinyBMSFault"].labels["id"] == "3"
        assert "reason: bms_fault" in alerts["TinyBMSChargingBlocked"].annotations["description"]
        assert without_result(server, wanted(True, faulty, device_of(server, faulty)), at_s) == []

        wait_until(lambda: not firing(server.alerts(faulty)), 30.0, lambda: f"still {server.alerts(faulty)}")
        missing = wanted(False, healthy, device_of(server, healthy))

        def all_have_data() -> bool:
            """Some figures come only every few seconds."""
            missing[:] = without_result(server, missing)
            return not missing

        wait_until(all_have_data, 30.0, lambda: "\n".join(f"{one.where}: {one.expression}" for one in missing))
        assert not firing(server.alerts(healthy))


def firing(alerts: Iterable[Alert]) -> set[str]:
    return {alert.name for alert in alerts if alert.state == "firing"}
