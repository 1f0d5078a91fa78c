"""The web interface of the gateway, and that whoever reads it does not move what is on the bus."""

import re
import time
from itertools import cycle
from pathlib import Path

import pytest

from support.fixtures.rig import Rig, Seen
from support.instruments.watch import limits, longest_gap, wait_until
from support.instruments.web_load import documents

pytestmark = pytest.mark.needs("web")

METRIC = re.compile(r"^(\w+)(\{[^{}]*\})? (-?\d+(?:\.\d+)?)$")
HEAP = "tinybms_heap_free_bytes"
HUNDRED = 100
"""mV or mA in the 0.1 V or 0.1 A of a frame 0x351."""
LIMITS = ("cvl_mv", "ccl_ma", "dcl_ma", "dvl_mv")
POLLS = 20
USE_S, USE_HZ = 30.0, 5.0
LONGEST_S = 1.5
"""Between two frames 0x351, whatever the network does."""


def version(root: Path) -> str:
    return (root / "version.txt").read_text().strip()


def told(frame: Seen) -> dict[str, int]:
    """Limits of a frame 0x351, in its tenths."""
    dvl = int.from_bytes(bytes(frame.message.data)[6:8], "little")
    return dict(zip(LIMITS, (*limits(frame.message), dvl), strict=True))


def wait_for_limits(rig: Rig) -> Seen:
    return rig.wait_for(lambda frame: frame.id == 0x351, 15.0)


def metrics_of(text: str) -> dict[str, float]:
    """Name with labels -> value; every line has to be one of the format."""
    lines = [line for line in text.splitlines() if not line.startswith(("# HELP ", "# TYPE "))]
    found = [METRIC.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if match is None]
    return {match[1] + (match[2] or ""): float(match[3]) for match in found if match is not None}


@pytest.mark.time_scale(3)
def test_status_names_the_version_of_the_build_and_the_device(rig: Rig, root: Path) -> None:
    status = rig.web.object("/api/v1/status")
    assert status.keys() == {"version", "device", "api"}
    assert status["version"] == version(root)
    assert re.fullmatch(r"tinybms-[0-9a-f]{6}", status["device"])


@pytest.mark.time_scale(3)
def test_metrics_are_served_in_the_format_of_prometheus(rig: Rig, root: Path) -> None:
    assert rig.web.get("/metrics").kind == "text/plain"
    device = rig.web.status().device
    deadline = rig.deadline(5.0)
    while HEAP not in (metrics := metrics_of(rig.web.text("/metrics"))):
        assert time.monotonic() < deadline, "the gateway looks at its memory every second"
        time.sleep(0.1)
    assert metrics[f'tinybms_build_info{{version="{version(root)}",device="{device}"}}'] == 1
    assert sum(metrics[f'tinybms_status{{status="{status}"}}'] for status in ("online", "offline", "unknown")) == 1
    assert metrics[HEAP] > 0


@pytest.mark.needs("can", "bms")
@pytest.mark.time_scale(3)
def test_the_limits_are_those_of_the_frames(rig: Rig) -> None:
    """They may rise meanwhile, so they lie between those of the frames before and after, to a tenth."""
    wait_until(lambda: rig.web.object("/api/v1/limits")["cvl_mv"]["value"] is not None, 10.0)
    before = told(wait_for_limits(rig))
    for _ in range(3):
        read = rig.web.object("/api/v1/limits")
        after = told(wait_for_limits(rig))
        for name in LIMITS:
            low, high = sorted((before[name], after[name]))
            assert (low - 1) * HUNDRED < read[name]["value"] < (high + 1) * HUNDRED, name
            assert read[name]["reason"]
        before = after


@pytest.mark.needs("simulator")
@pytest.mark.time_scale(3)
def test_state_and_metrics_are_those_of_the_simulated_bms(rig: Rig) -> None:
    values = {"soc": 63.37, "soh": 97, "current": -12.3, "temp1": 31.5, "temp2": 18, "spread": 24}
    with rig.bms.lock:
        bms = rig.bms.bms
        for name, value in values.items():
            bms.set_value(name, value)
        cells, volts = [bms.registers[n] for n in range(16)], bms.values()["voltage"]
    wanted = {"status": "online", "pack_current_ma": -12_300, "soh_ppm": 970_000}
    deadline = rig.deadline(10.0)
    # The SOC is the middle one of three readings, and it is being discharged.
    while not (
        wanted.items() <= (state := rig.web.object("/api/v1/state")).items() and abs(state["soc_ppm"] - 633_700) <= 300
    ):
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    metrics = metrics_of(rig.web.text("/metrics"))
    assert state["cell_count"] == 16
    assert state["age_ms"] < 1000
    assert state["pack_voltage_mv"] == pytest.approx(volts * 1000, abs=10)
    assert state["cell_100uv"] == pytest.approx(cells, abs=10)
    assert state["cell_max_mv"] - state["cell_min_mv"] == pytest.approx(24, abs=1)
    assert (state["sensor_1_ddegc"], state["sensor_2_ddegc"]) == (315, 180)
    assert (state["alarms"], state["faults"]) == ([], [])
    assert metrics['tinybms_status{status="online"}'] == 1
    assert metrics["tinybms_pack_current_amperes"] == pytest.approx(-12.3)
    assert metrics["tinybms_pack_voltage_volts"] == pytest.approx(volts, abs=0.01)
    assert metrics["tinybms_state_of_charge_ratio"] == pytest.approx(0.6337, abs=0.0003)
    assert metrics['tinybms_temperature_celsius{sensor="1"}'] == pytest.approx(31.5)
    assert metrics['tinybms_cell_voltage_volts{cell="16"}'] == pytest.approx(cells[15] / 10000, abs=0.001)


@pytest.mark.needs("bms")
def test_a_websocket_gets_the_state_at_every_poll(rig: Rig) -> None:
    """A busy machine may replace a message by the next one now and then; none is lost on the way."""
    seen: list[int] = []
    with rig.web.listen((), 30.0) as messages:
        for message in messages:
            assert (message["type"], message["lost"]) == ("state", 0)
            if message["state"]["age_ms"] is not None:
                seen.append(message["state"]["sequence"])
            if seen and seen[-1] >= seen[0] + POLLS:
                break
    assert seen == sorted(seen)
    assert seen[-1] >= seen[0] + POLLS
    assert len(set(seen)) > 0.8 * (seen[-1] - seen[0])


@pytest.mark.needs("can", "bms")
@pytest.mark.time_scale(3)
def test_half_a_minute_of_requests_does_not_move_the_limits(rig: Rig) -> None:
    """5 requests/s over every document."""
    wait_for_limits(rig)
    first = len(rig.traffic.frames)
    start = time.monotonic()
    for number, path in enumerate(cycle(documents()), 1):
        rig.web.get(path)
        due = start + number / USE_HZ / rig.scale
        if due > start + USE_S / rig.scale:
            break
        time.sleep(max(0.0, due - time.monotonic()))
    wait_for_limits(rig)
    stamps = [frame.message.timestamp for frame in rig.traffic.since(first) if frame.id == 0x351]
    assert len(stamps) >= 0.9 * USE_S
    assert longest_gap(stamps) * rig.scale < LONGEST_S
    assert rig.web.object("/api/v1/diagnostics")["web"]["errors"] == 0
