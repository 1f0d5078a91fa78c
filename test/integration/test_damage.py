"""What is lost, stuck or forgotten must not loosen a limit: the whole gateway, over its lines and over restarts."""

import signal
from pathlib import Path

import can
import pytest
from click.testing import CliRunner

from support.instruments.watch import collect, drain, limits, open_bus, pairs, wait_for, wait_until
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.gateway_stack import gateway_stack
from tinybms_gateway.sim.bms.simulator import make_line

BMS_INTERNAL = 11
WARNINGS_FROM = 16
CONNECTED, DISCONNECTED = 0x64, 0x65
"""A charger: events that forbid nothing."""
SCALE = 10.0
FULL = (540, 900, 1080)
"""CVL at float, 90 % of 100 A and of 120 A."""


def is_limits(message: can.Message) -> bool:
    return message.arbitration_id == 0x351


def warns(message: can.Message) -> bool:
    return message.arbitration_id == 0x35A and pairs(message)[WARNINGS_FROM + BMS_INTERNAL] == 1


def log_has(gateway: GatewayProcess, text: str) -> bool:
    return any(text in line for line in list(gateway.lines))


def test_a_sensor_that_is_gone_is_missed_over_a_restart_until_a_person_forgets_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = ("bms", "forget-sensor", "1", "--data", str(data))
    scale = ("--time-scale", str(SCALE))
    with make_line(tmp_path / "bms", time_scale=SCALE) as line:
        with GatewayProcess(line.link, data, *scale) as gateway, open_bus(gateway.can_backend()) as bus:
            wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 40 / SCALE + 5)
            refused = CliRunner().invoke(main, command)
            assert refused.exit_code == 2
            assert "in use by a running gateway" in refused.output
        with line.lock:
            line.bms.set_value("temp1", -3276.8)  # reads -32768: not connected
        with GatewayProcess(line.link, data, *scale) as gateway, open_bus(gateway.can_backend()) as bus:
            wait_for(bus, warns, 5.0)
            assert {limits(m)[1] for m in collect(bus, 40 / SCALE) if is_limits(m)} == {0}
            assert log_has(gateway, "external temperature sensor 1 is missing")
            assert log_has(gateway, "CCL 0 mA: temperature sensor lost")
        forgotten = CliRunner().invoke(main, command)
        assert (forgotten.exit_code, forgotten.output) == (0, "external temperature sensor 1 forgotten\n")
        with GatewayProcess(line.link, data, *scale) as gateway, open_bus(gateway.can_backend()) as bus:
            wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 40 / SCALE + 5)


def test_after_an_orderly_restart_limits_go_on_where_they_were_and_after_another_start_they_do_not(
    tmp_path: Path,
) -> None:
    with make_line(tmp_path / "bms") as line:
        with GatewayProcess(line.link, tmp_path / "data", "--set", "ramp.time_s=5") as gateway:
            with open_bus(gateway.can_backend()) as bus:
                wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 15.0)
            gateway.lines.clear()
            (tmp_path / "data/can_port").unlink()
            gateway.process.send_signal(signal.SIGUSR1)
            with open_bus(gateway.can_backend()) as bus:
                assert limits(wait_for(bus, is_limits, 5.0)) == FULL
            assert log_has(gateway, "complete: 16 cells, CVL 54000 mV, CCL 90000 mA, DCL 108000 mA")
        with GatewayProcess(line.link, tmp_path / "data") as gateway, open_bus(gateway.can_backend()) as bus:
            assert limits(wait_for(bus, is_limits, 5.0)) == (540, 90, 108)


def test_a_bms_that_answers_and_measures_no_more_is_taken_as_silent() -> None:
    """The counter has to have advanced for a minute; 5 s later charging stops, 10 s later everything."""
    with gateway_stack(time_scale=SCALE, scenario="rest") as stack, open_bus(stack.can_backend) as bus:
        wait_until(lambda: log_has(stack.gateway, "a frozen BMS will be detected"), 90 / SCALE + 5, lambda: "not armed")
        drain(bus)
        with stack.bms.lock:
            stack.bms.faults.set("frozen", 1)
        stopped = wait_for(bus, lambda m: is_limits(m) and limits(m)[1] == 0, 8 / SCALE + 2)
        assert limits(stopped)[2] == 1080
        collect(bus, 10 / SCALE)
        drain(bus)
        assert collect(bus, 5 / SCALE) == []
        with stack.bms.lock:
            stack.bms.faults.set("frozen", 0)
        assert limits(wait_for(bus, is_limits, 5.0))[1:] == (90, 108)


def test_a_bms_whose_counter_never_advanced_is_believed_and_the_log_says_that_a_freeze_would_go_unnoticed() -> None:
    scale = 30.0
    with (
        gateway_stack(time_scale=scale, scenario="rest", faults=("frozen",)) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        wait_until(
            lambda: log_has(stack.gateway, "a frozen BMS would not be detected"),
            660 / scale + 5,
            lambda: "nothing said",
        )
        drain(bus)
        assert limits(wait_for(bus, is_limits, 5.0))[1:] == FULL[1:]


@pytest.mark.parametrize("order", EventOrder)
def test_a_battery_that_is_empty_can_be_charged_when_its_events_have_been_cleared(order: EventOrder) -> None:
    """At 0 % the cells of the simulated pack are below register 316: that explains the fault."""
    with gateway_stack(event_order=order, time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, lambda m: is_limits(m) and limits(m) == FULL, 40 / SCALE + 5)
        with stack.bms.lock:
            stack.bms.bms.set_soc(0.0)
            stack.bms.bms.set_fault(0x02)
            stack.bms.bms.clear_events()
        wait_for(bus, lambda m: is_limits(m) and limits(m)[2] == 0, 5.0)
        wait_for(bus, lambda m: is_limits(m) and limits(m)[1] == 900, 90 / SCALE + 5)
        assert {limits(m)[2] for m in collect(bus, 20 / SCALE) if is_limits(m)} == {0}


@pytest.mark.parametrize("order", EventOrder)
@pytest.mark.parametrize(("first", "second"), [(0x0B, 0x31), (0x03, 0x05)])
def test_of_two_faults_each_stops_what_it_forbids(first: int, second: int, order: EventOrder) -> None:
    """Charger switch and fully discharged; over-voltage and discharge over-current, in one second."""
    with gateway_stack(event_order=order) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, is_limits, 5.0)
        with stack.bms.lock:
            stack.bms.bms.set_fault(first)
            stack.bms.bms.set_fault(second)
        wait_for(bus, lambda m: is_limits(m) and limits(m)[1:] == (0, 0), 3.0)
        assert {limits(m)[1:] for m in collect(bus, 2.5) if is_limits(m)} == {(0, 0)}


@pytest.mark.parametrize("order", EventOrder)
def test_a_start_within_a_fault_knows_of_one_that_was_over_before_and_without_its_memory_both_count(
    order: EventOrder, tmp_path: Path
) -> None:
    """A switch fault of long ago has no recovery; an empty battery has to be charged all the same."""
    memory = tmp_path / "data/nvs/battery/events_over"
    options = (tmp_path / "data", "--time-scale", str(SCALE))
    with make_line(tmp_path / "bms", event_order=order, time_scale=SCALE) as line:
        with line.lock:
            for event in (0x0B, CONNECTED, DISCONNECTED, CONNECTED):
                line.bms.advance(3600)
                line.bms.log_event(event)
        with GatewayProcess(line.link, *options) as gateway:
            wait_until(memory.exists, 10.0, lambda: f"nothing remembered: {list(gateway.lines)[-8:]}")
        with line.lock:
            line.bms.set_soc(0.0)
            line.bms.advance(3600)
            line.bms.set_fault(0x02)
        with GatewayProcess(line.link, *options) as gateway, open_bus(gateway.can_backend()) as bus:
            frames = [wait_for(bus, lambda m: is_limits(m) and limits(m)[1] == 900, 90 / SCALE + 5)]
            frames += collect(bus, 10 / SCALE)
            assert {limits(m)[2] for m in frames if is_limits(m)} == {0}
        memory.unlink()
        with GatewayProcess(line.link, *options) as gateway, open_bus(gateway.can_backend()) as bus:
            wait_for(bus, is_limits, 5.0)
            assert {limits(m)[1:] for m in collect(bus, 40 / SCALE) if is_limits(m)} == {(0, 0)}
