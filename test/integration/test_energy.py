"""Energy counters on the wire (0x378), over restarts, power cuts and a storage that fails."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest

from support.instruments.watch import has_id, open_bus, wait_for
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

SCALE = 10.0
POWER_A = 900.0
"""About 48 kW: 100 Wh in 8 s."""
WITHIN_S = 15.0


@pytest.fixture
def line(tmp_path: Path) -> Iterator[BmsLine]:
    with make_line(tmp_path / "bms", time_scale=SCALE) as running:
        yield running


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """The file of the partition."""
    return tmp_path / "data/flash/energy.bin"


def gateway(line: BmsLine, tmp_path: Path, *options: str) -> GatewayProcess:
    return GatewayProcess(line.link, tmp_path / "data", "--time-scale", str(SCALE), *options)


def counters(message: can.Message) -> tuple[int, int]:
    """Energy in and out in 100 Wh, by the protocol."""
    data = bytes(message.data)
    return int.from_bytes(data[0:4], "little"), int.from_bytes(data[4:8], "little")


def set_current(line: BmsLine, amperes: float) -> None:
    with line.lock:
        line.bms.set_value("soc", 50.0)
        line.bms.set_value("current", amperes)


def counters_when(running: GatewayProcess, wanted: Callable[[int, int], bool]) -> tuple[int, int]:
    """The first counters on the bus that are wanted."""
    with open_bus(running.can_backend()) as bus:
        return counters(wait_for(bus, lambda m: has_id(0x378)(m) and wanted(*counters(m)), WITHIN_S))


def first_counters(running: GatewayProcess) -> tuple[int, int]:
    return counters_when(running, lambda _in, _out: True)


def said(running: GatewayProcess, text: str) -> bool:
    return any(text in line for line in running.lines)


def test_counters_survive_a_restart_and_a_power_cut(line: BmsLine, tmp_path: Path) -> None:
    set_current(line, -POWER_A)
    with gateway(line, tmp_path) as first:
        assert first_counters(first) == (0, 0)
        charged, discharged = counters_when(first, lambda _, out: out >= 3)
        assert charged == 0
    assert said(first, "no saved counters; starting at 0")

    set_current(line, POWER_A)
    second = gateway(line, tmp_path).__enter__()
    try:
        assert first_counters(second)[1] >= discharged - 1, "an orderly restart loses a second, here 13 Wh"
        discharged = counters_when(second, lambda charged, _: charged >= 2)[1]
    finally:
        second.process.kill()
        second.stop()
    assert said(second, f"out 0.{discharged} kWh")

    set_current(line, 0.0)
    with gateway(line, tmp_path) as third:
        assert first_counters(third) == (0, discharged), "less than 10 minutes of charge are lost, and nothing older"


def test_what_was_saved_in_between_survives_a_power_cut(line: BmsLine, tmp_path: Path) -> None:
    """Saved every 60 s; 100 Wh take 8 s."""
    set_current(line, -POWER_A)
    first = gateway(line, tmp_path, "--set", "energy.save_s=60").__enter__()
    try:
        discharged = counters_when(first, lambda _, out: out >= 10)[1]
    finally:
        first.process.kill()
        first.stop()
    set_current(line, 0.0)
    with gateway(line, tmp_path) as second:
        kept = first_counters(second)[1]
    assert kept > 0 and discharged - kept <= 9, "more than 60 s of charge are lost"


@pytest.mark.parametrize("content", [random.Random(1).randbytes(8192), b"short"], ids=["other", "short"])
def test_a_storage_that_holds_something_else_is_taken_over(
    line: BmsLine, tmp_path: Path, storage: Path, content: bytes
) -> None:
    storage.parent.mkdir(parents=True)
    storage.write_bytes(content)
    set_current(line, -POWER_A)
    with gateway(line, tmp_path) as first:
        assert first_counters(first) == (0, 0)
        discharged = counters_when(first, lambda _, out: out >= 2)[1]
    with gateway(line, tmp_path) as second:
        assert first_counters(second)[1] >= discharged - 1


def full_disk(storage: Path) -> None:
    storage.parent.mkdir(parents=True)
    storage.symlink_to("/dev/full")


def no_directory(storage: Path) -> None:
    storage.parent.parent.mkdir(parents=True)
    storage.parent.write_text("in the way")


@pytest.mark.parametrize("spoil", [full_disk, no_directory])
def test_a_storage_that_fails_does_not_stop_the_gateway(
    line: BmsLine, tmp_path: Path, storage: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(storage)
    set_current(line, -POWER_A)
    with gateway(line, tmp_path) as running:
        assert counters_when(running, lambda _, out: out >= 1) == (0, 1)
        assert running.stop() == 0
    assert said(running, "cannot save the counters")
