"""Timing of the native gateway. Figures of a shared machine: compare runs of the same one."""

import random
import re
import time
from itertools import pairwise
from pathlib import Path

import can
import pytest

from support.instruments.figures import Figures, percentile
from support.instruments.machine import processor_times
from support.instruments.watch import collect, drain, has_id, open_bus, wait_for
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack
from tinybms_gateway.sim.bms.simulator import make_line

pytestmark = pytest.mark.usefixtures("before_everything_else")

SAMPLES = 200
STARTS = 100
SENT = re.compile(r"0x(\w{3}) sent, snapshot \d+ is (\d+) ms old")


def carries_a_fault(message: can.Message) -> bool:
    """0x35A whose general alarm is active. A 0x351 that forbids current goes with it; its limits are back later."""
    return message.arbitration_id == 0x35A and message.data[0] & 3 == 1


def snapshot_age_ms(stack: GatewayStack, identifier: int) -> float:
    """How old the snapshot was that the newest frame of this id was made of, as the gateway logs it."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        for line in reversed(list(stack.gateway.lines)):
            if (match := SENT.search(line)) and int(match[1], 16) == identifier:
                return float(match[2])
        time.sleep(0.005)
    raise AssertionError("the gateway does not log what it sends")


@pytest.mark.timeout(900)
def test_from_a_fault_to_the_bus(figures: Figures) -> None:
    """From register 50 = 0x9B in the BMS, at any moment, to the first frame that carries it; a poll every 100 ms."""
    phase = random.Random(1)
    delays, ages = [], []
    used_before, all_before = processor_times()
    with (
        gateway_stack(options=("--log-level", "debug", "--set", "uart.poll_ms=100")) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        for _ in range(SAMPLES):
            wait_for(bus, lambda m: m.arbitration_id == 0x35A and not carries_a_fault(m), 5.0)
            time.sleep(phase.uniform(0.2, 1.2))
            drain(bus)
            start = time.time()  # before the lock: the simulator holds it while it answers, with what it read before
            with stack.bms.lock:
                stack.bms.bms.set_fault(0x04)
            first = wait_for(bus, carries_a_fault, 3.0)
            delays.append((first.timestamp - start) * 1000)
            time.sleep(0.005)
            ages.append(snapshot_age_ms(stack, first.arbitration_id))
            with stack.bms.lock:
                stack.bms.bms.set_fault(None)
    on_line = [delay - age for delay, age in zip(delays, ages, strict=True)]
    used, all_time = processor_times()
    busy = (used - used_before) / (all_time - all_before) * 100
    figures.add("machine_busy", "processors of the machine in use meanwhile", busy, "%")
    title = "fault of the BMS -> frame that carries it"
    figures.add("fault_to_frame_p50", f"{title}, p50", percentile(delays, 50), "ms", at_most=80)
    figures.add("fault_to_frame_p99", f"{title}, p99", percentile(delays, 99), "ms", at_most=150)
    figures.add("fault_to_frame_samples", f"{title}, samples", len(delays), "", at_least=200)
    for name, part, values in (
        ("line", "until the live block is there (waiting for the poll, 11.7 ms of line)", on_line),
        ("gateway", "from there to the frame (event that names it, schedule, bus)", ages),
    ):
        figures.add(f"fault_to_frame_{name}_p50", f"of it {part}, p50", percentile(values, 50), "ms")
        figures.add(f"fault_to_frame_{name}_p99", f"of it {part}, p99", percentile(values, 99), "ms")


@pytest.mark.timeout(300)
def test_period_of_the_limits(figures: Figures) -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        drain(bus)
        times = [m.timestamp for m in collect(bus, 61.0) if m.arbitration_id == 0x351]
    periods = [(b - a) * 1000 for a, b in pairwise(times)]
    assert len(periods) >= 50
    figures.add("limits_period_p01", "0x351, period over 60 s, p1", percentile(periods, 1), "ms", at_least=980)
    figures.add("limits_period_p50", "0x351, period over 60 s, p50", percentile(periods, 50), "ms")
    figures.add("limits_period_p99", "0x351, period over 60 s, p99", percentile(periods, 99), "ms", at_most=1020)
    figures.add("limits_period_max", "0x351, period over 60 s, longest", max(periods), "ms", at_most=1100)


@pytest.mark.timeout(300)
def test_from_the_start_to_the_first_frame(figures: Figures, tmp_path: Path) -> None:
    """From the start of the process to the first 0x351 on the bus, with a BMS that answers and a GX that listens."""
    delays = []
    with make_line(tmp_path / "bms") as line:
        for number in range(STARTS):
            start = time.time()
            gateway = GatewayProcess(line.link, tmp_path / f"data{number}")
            with gateway, open_bus(gateway.can_backend()) as bus:
                delays.append((wait_for(bus, has_id(0x351), 5.0).timestamp - start) * 1000)
    title = "start of the gateway -> first 0x351"
    figures.add("start_to_frame_p50", f"{title}, p50", percentile(delays, 50), "ms")
    figures.add("start_to_frame_p99", f"{title}, p99", percentile(delays, 99), "ms", at_most=400)


@pytest.mark.timeout(300)
def test_processor_time_and_memory_of_the_gateway(figures: Figures) -> None:
    with gateway_stack(scenario="day") as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        stat = Path(f"/proc/{stack.gateway.process.pid}/stat")
        before = sum(map(int, stat.read_text().split()[13:15]))
        collect(bus, 30.0)
        ticks = sum(map(int, stat.read_text().split()[13:15])) - before
        status = Path(f"/proc/{stack.gateway.process.pid}/status").read_text()
    resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    figures.add("gateway_cpu", "native gateway, processor time", ticks / 100 / 30 * 100, "%")
    figures.add("gateway_memory", "native gateway, resident memory", resident_kb, "kB")
