"""The demo tells the course of an over-voltage: alarm, limits and recovery, as the GX sees them."""

from pathlib import Path

from tinybms_gateway import gateway_stack
from tinybms_gateway.can.reader import Capture
from tinybms_gateway.can.verify.engine import verify
from tinybms_gateway.can.verify.report import VIOLATED
from tinybms_gateway.demo_story import Story, reasons
from tinybms_gateway.gateway_stack import GatewayStack
from tinybms_gateway.sim.gx.model import GxModel


def test_over_voltage_shows_alarm_limits_and_recovery_with_their_reasons(tmp_path: Path) -> None:
    """The fault comes after 5 s and lasts 6 s. 16 x 3.55 V and 16 x 3.375 V; CCL rises 30 s after the last fall."""
    told: list[dict[str, str]] = []
    lines: list[str] = []

    def look(stack: GatewayStack, _gx: GxModel, _story: Story) -> None:
        lines[:] = stack.gateway.lines
        told.append(reasons(lines))

    summary = gateway_stack.run(
        seconds=46.0,
        capture=tmp_path / "capture.log",
        dump=None,
        scenario="overvoltage",
        faults=(),
        on_step=look,
    )
    assert summary["complaints"] == []
    events = summary["events"]
    at = {event["what"]: event for event in events}
    log = "\n".join(lines)
    assert "battery: alarm high voltage raised: BMS event 0x03" in log
    assert "battery: alarm high voltage cleared: cell voltage 33" in log
    assert events[0]["what"] == "battery recognised"
    assert at["AlarmHighVoltage active"]["cvl_v"] in (56.8, 54.0), "the limits are told within the same 100 ms"
    assert (at["CCL is 0"]["cvl_v"], at["CCL is 0"]["ccl_a"]) == (54.0, 0.0)
    assert at["AlarmHighVoltage active"]["s"] < at["AlarmHighVoltage over"]["s"] < at["CCL rises again"]["s"]
    assert at["CCL rises again"]["s"] - at["AlarmHighVoltage over"]["s"] > 25.0
    report = verify(Capture(tmp_path / "capture.log"))
    assert report.good, [(result.id, result.violations) for result in report.of(VIOLATED)]
    assert report.figures.longest_gap_us.keys() == {0x351, 0x305}, "the keepalives of both sides are recorded"
    assert {"react-high-voltage", "react-offline"} <= report.figures.reaction_us.keys()
    assert summary["signals"]["DCL"] > 0, "the battery can discharge itself back to safety"
    assert {"CVL", "CCL", "DCL"} <= set(told[-1])
    assert "BMS fault" in {reason["CCL"] for reason in told if "CCL" in reason}
    assert "charging inhibited" in {reason["CVL"] for reason in told if "CVL" in reason}
