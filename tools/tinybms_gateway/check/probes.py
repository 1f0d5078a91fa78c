"""The short functional test of a gateway in the field."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinybms_gateway.check.finding import Finding, Result, failed, good, not_asked_for, warning
from tinybms_gateway.check.source import Told
from tinybms_gateway.check.target import Target
from tinybms_gateway.command_line import lazy_imports, load

with lazy_imports():
    from tinybms_gateway.check import bus_check, bus_listener, mqtt_check, web_check

log = logging.getLogger(__name__)

OPEN_BUS_WITHIN_S = 8.0
WEB_WITHIN_S = 15.0
WEB_CHECKS = ("web page", "REST status", "settings")
MQTT_WITHIN_S = 10.0
"""To connect, and to find the gateway; the wait for its state is added."""
VERSION_NAME = "firmware version"
DEVICE_NAME = "same gateway"
STEP_S = 0.1
CLOSE_WITHIN_S = 1.0


@dataclass
class Report:
    """All findings, in the order of the table."""

    findings: list[Finding]
    told: Told = field(default_factory=Told)
    """Version and name of the gateway, as far as they are known."""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """No check failed."""
        return not any(finding.result is Result.FAILED for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "passed": self.passed,
            "version": self.told.version,
            "device": self.told.device,
            "seconds": round(self.seconds, 1),
            "checks": [finding.as_json() for finding in self.findings],
        }


class _Probe:
    """One part of the check in its own thread: whatever it does, the others continue and the time is bounded."""

    def __init__(self, name: str, within_s: float, work: Callable[[], tuple[list[Finding], Told]]) -> None:
        self.told = Told()
        self._name = name
        self._deadline = time.monotonic() + within_s
        self._within_s = within_s
        self._work = work
        self._findings: list[Finding] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._findings, self.told = self._work()
        except Exception as error:  # whatever a foreign answer does to a library is a finding, not the end of the check
            log.debug("%s", self._name, exc_info=True)
            self._findings = [failed(self._name, f"invalid answer ({type(error).__name__})", "-v shows more")]

    @property
    def over(self) -> bool:
        """It has ended, or its time is up."""
        return not self._thread.is_alive() or time.monotonic() >= self._deadline

    def wait(self, stop: threading.Event) -> None:
        """Wait until it is over."""
        while not self.over and not stop.is_set():
            self._thread.join(STEP_S)

    def wait_a_moment(self) -> None:
        """Give it time to close what it has open: an adapter left open is a surprise for the next program."""
        self._thread.join(CLOSE_WITHIN_S)

    @property
    def findings(self) -> list[Finding]:
        """What it found."""
        if self._findings is None:
            return [
                failed(self._name, f"not finished after {self._within_s:.0f} s", "too slow, or no such service there")
            ]
        return self._findings


def run(target: Target, on_step: Callable[[float], None] = lambda _: None) -> Report:
    """Run all requested checks at the same time.

    Args:
        target: what to check, see `check_target`
        on_step: called with the seconds that have passed
    """
    load(bus_check, bus_listener, mqtt_check, web_check)
    started = time.monotonic()
    stop = threading.Event()
    bus = _Probe("CAN bus", target.seconds + OPEN_BUS_WITHIN_S, lambda: (_bus(target, stop), Told()))
    web = _Probe("web page", WEB_WITHIN_S, lambda: _web(target)) if target.url is not None else None
    mqtt_within_s = MQTT_WITHIN_S + target.fresh_s + (WEB_WITHIN_S if web and not target.device else 0)
    mqtt = _Probe("MQTT broker", mqtt_within_s, lambda: _mqtt(target, web, stop)) if target.broker is not None else None
    probes = [probe for probe in (bus, web, mqtt) if probe is not None]
    try:
        while not all(probe.over for probe in probes):
            on_step(time.monotonic() - started)
            time.sleep(STEP_S)
    finally:
        stop.set()
        bus.wait_a_moment()
    findings = [
        *bus.findings,
        *(web.findings if web else [not_asked_for(name, "--url") for name in WEB_CHECKS]),
        *(mqtt.findings if mqtt else [not_asked_for("MQTT", "--mqtt")]),
        _version(target, web.told if web else Told(), mqtt.told if mqtt else Told()),
    ]
    told = Told(*(_first(attribute, web, mqtt) for attribute in ("version", "device")))
    same = _same_gateway(target, web, mqtt)
    return Report(findings + ([same] if same else []), told, time.monotonic() - started)


def _bus(target: Target, stop: threading.Event) -> list[Finding]:
    try:
        traffic = bus_listener.listen(target.can, target.seconds, target.keepalive, stop)
    except ValueError as error:
        return bus_check.unreachable_bus(str(error))
    return bus_check.bus_findings(traffic)


def _web(target: Target) -> tuple[list[Finding], Told]:
    return web_check.check_web(target.url or "", target.ca, token=target.token)


def _mqtt(target: Target, web: _Probe | None, stop: threading.Event) -> tuple[list[Finding], Told]:
    assert target.broker is not None
    if target.device is None and web is not None:
        web.wait(stop)
    device = target.device or (web.told.device if web is not None else None)
    return mqtt_check.check_mqtt(target.broker, device, target.fresh_s, target.ca, stop)


def _first(attribute: str, *probes: _Probe | None) -> str | None:
    told = (getattr(probe.told, attribute) for probe in probes if probe is not None)
    return next((value for value in told if value is not None), None)


def _version(target: Target, web: Told, mqtt: Told) -> Finding:
    told = {source: one.version for source, one in (("web", web), ("MQTT", mqtt)) if one.version is not None}
    seen = ", ".join(f"{version} by {source}" for source, version in told.items())
    if len(set(told.values())) > 1:
        return failed(
            VERSION_NAME, seen, "--url and --mqtt lead to different gateways, or one of them reports an old version"
        )
    if target.version is None:
        return Finding(VERSION_NAME, Result.NOT_ASKED_FOR, seen or "-", "give --expect-version to check it")
    if not told:
        return failed(VERSION_NAME, "not reported", "web and MQTT report it; the version in 0x35F is that of the BMS")
    if set(told.values()) != {target.version}:
        return failed(VERSION_NAME, f"{seen}, not {target.version}", "update the gateway, or expect another version")
    return good(VERSION_NAME, seen)


def _same_gateway(target: Target, web: _Probe | None, mqtt: _Probe | None) -> Finding | None:
    """Whether web and MQTT lead to the same gateway; None: nothing to compare."""
    expected = target.device or (mqtt.told.device if mqtt else None)
    if web is None or expected is None or web.told.device is None:
        return None
    if web.told.device != expected:
        return warning(DEVICE_NAME, f"{web.told.device} by web, not {expected}", "does --url lead to another gateway?")
    return good(DEVICE_NAME, expected)
