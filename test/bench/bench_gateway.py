"""Timing of the native gateway: percentiles of one run each, written to bench.json in the build directory.

Figures of a shared machine: compare runs of the same machine, nothing is asserted.
"""

import json
import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tinybms_gateway.demo.demo_impl import gateway_stack
from tinybms_gateway.gateway.gateway_impl import build_dir
from watch import collect, drain, has_id, limits, open_bus, wait_for

RESULTS: dict[str, dict[str, float]] = {}


def percentiles(values: list[float], unit: str, scale: float = 1.0) -> dict[str, float]:
    cuts = statistics.quantiles([value * scale for value in values], n=100, method="inclusive")
    return {f"p50_{unit}": round(cuts[49], 3), f"p99_{unit}": round(cuts[98], 3), "samples": len(values)}


@pytest.fixture(scope="module", autouse=True)
def report() -> Iterator[None]:
    yield
    path = build_dir() / "bench.json"
    path.write_text(json.dumps(RESULTS, indent=2) + "\n")
    print(f"\n{path}")
    for name, figures in RESULTS.items():
        print(f"  {name}: " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))


@pytest.mark.timeout(300)
def test_period_of_the_limits() -> None:
    with gateway_stack(scenario="day") as stack, open_bus(stack.can_backend) as bus:
        times = [m.timestamp for m in collect(bus, 60.0) if m.arbitration_id == 0x351]
    jitter = [abs(b - a - 1.0) for a, b in pairwise(times)]
    RESULTS["0x351, distance from 1 s"] = percentiles(jitter, "ms", 1000)


@pytest.mark.timeout(300)
def test_from_a_fault_to_the_bus() -> None:
    """From the moment that the BMS would report a fault until a limit of 0 is on the bus; a poll comes every 200 ms."""
    delays = []
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus:
        for i in range(40):
            wait_for(bus, lambda m: m.arbitration_id == 0x351 and 0 not in limits(m), 5.0)
            time.sleep(0.3 + i * 0.013)
            drain(bus)
            with stack.bms.lock:
                start = time.time()
                stack.bms.bms.set_fault(0x04)
            stopped = wait_for(bus, lambda m: m.arbitration_id == 0x351 and 0 in limits(m), 3.0)
            delays.append(stopped.timestamp - start)
            with stack.bms.lock:
                stack.bms.bms.set_fault(None)
    RESULTS["fault to 0x351"] = percentiles(delays, "ms", 1000)


@pytest.mark.timeout(300)
def test_processor_time_and_memory_of_the_gateway() -> None:
    with gateway_stack(scenario="day") as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        stat = Path(f"/proc/{stack.gateway.process.pid}/stat")
        before = sum(map(int, stat.read_text().split()[13:15]))
        collect(bus, 30.0)
        ticks = sum(map(int, stat.read_text().split()[13:15])) - before
        status = Path(f"/proc/{stack.gateway.process.pid}/status").read_text()
    resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    RESULTS["gateway process"] = {"cpu_percent": round(ticks / 100 / 30 * 100, 2), "resident_kb": resident_kb}
