"""Prometheus, with the configuration, the rules and the dashboard of docs/deploy, reads native gateways."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """The shipped one; differs in its targets and in the two intervals, so that the test need not wait for minutes."""
    directory.joinpath("rules.yml").write_text(RULES.read_text())
    path = directory / "prometheus.yml"
    path.write_text(
        shipped(
            "prometheus.yml",
            {
                "          - 192.168.1.20:80\n": "".join(f"          - {target}\n" for target in targets),
                "scrape_interval: 15s": "scrape_interval: 500ms",
                "scrape_timeout: 10s": "scrape_timeout: 500ms",
                "evaluation_interval: 15s": "evaluation_interval: 500ms",
            },
        )
    )
    return path


@contextmanager
def two_gateways(healthy: str, faulty: str) -> Iterator[None]:
    """One with a battery in order, one with an over-voltage from the fifth to the eleventh second."""
    with (
        gateway_stack(options=("--http", healthy)),
        gateway_stack(options=("--http", faulty), scenario="overvoltage"),
    ):
        yield


def for_grafana(expression: str, instance: str) -> str:
    """What Grafana makes of an expression of the dashboard."""
    return expression.replace("$instance", instance).replace("$__rate_interval", "1m")


def without_data(server: Prometheus, healthy: str, faulty: str) -> list[str]:
    """Expressions of rules and dashboard that should have a result and have none."""
    missing: list[str] = []

    def want(expression: str, where: str) -> None:
        if not server.query(expression):
            missing.append(f"{where}: {expression}")

    for name, rule in alert_rules().items():
        expression = rule["expr"]
        instance = faulty if any(only in expression for only in ONLY_IN_A_FAULT) else healthy
        if not any(reasons in expression for reasons in NEVER_HERE):
            want(without_filters(of_one_instance(expression, instance)), name)
            for selector in selectors(expression):
                want(of_one_instance(selector, instance), name)
    for panel in panels():
        for expression in panel.expressions:
            instance = faulty if any(only in expression for only in ONLY_IN_A_FAULT) else healthy
            want(for_grafana(expression, instance), panel.title)
    for variable in dashboard()["templating"]["list"]:
        for selector in selectors(variable.get("definition", "")):
            want(selector.replace("$device", str(device_of(server, healthy))), variable["name"])
    return missing


def device_of(server: Prometheus, instance: str) -> str:
    (info,) = server.query(f'tinybms_build_info{{instance="{instance}"}}')
    return info.labels["device"]


def test_an_over_voltage_fires_its_alerts_and_every_expression_has_data(tmp_path: Path) -> None:
    """Prometheus is there first: the fault comes 5 s after the start of the gateways, and lasts 6 s."""
    healthy, faulty = (f"127.0.0.1:{port}" for port in free_ports(2))
    with prometheus(tmp_path, configuration(tmp_path, healthy, faulty)) as server, two_gateways(healthy, faulty):

        def firing(instance: str) -> dict[str, Alert]:
            return {alert.name: alert for alert in server.alerts(instance) if alert.state == "firing"}

        def both_fire() -> bool:
            return {"TinyBMSAlarm", "TinyBMSFault"} <= firing(faulty).keys()

        wait_until(both_fire, 30.0, lambda: f"only {server.alerts(faulty)}")
        now = {alert.name: alert for alert in server.alerts(faulty)}
        assert firing(faulty).keys() == {"TinyBMSAlarm", "TinyBMSFault"}
        assert now["TinyBMSAlarm"].labels["alarm"] == "high_voltage"
        assert "high_voltage" in now["TinyBMSAlarm"].annotations["summary"]
        assert now["TinyBMSFault"].labels["id"] == "3"
        assert now["TinyBMSChargingBlocked"].state == "pending", "it fires after an hour"
        assert "reason: bms_fault" in now["TinyBMSChargingBlocked"].annotations["description"]
        assert without_data(server, healthy, faulty) == []

        wait_until(lambda: not firing(faulty), 30.0, lambda: f"still {firing(faulty)}")
        assert not firing(healthy)
        assert {sample.value for sample in server.query('up{job="tinybms"}')} == {1.0}
