"""Settings that are lost loosen no limit: the whole gateway, over restarts with damaged storage."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest
from click.testing import CliRunner

from support.instruments.watch import collect, limits, open_bus, pairs, wait_for
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import PROGRAM, GatewayProcess
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

SCALE = 10.0
CAP = 200
"""CCL in the frame: charge.max_a=20."""
FLOAT, TENTH, ALL = 540, 90, 900
"""CVL at float, a tenth of 90 % of 100 A, all of it."""
SECTORS = 8192
BMS_INTERNAL_WARNING = 16 + 11


@pytest.fixture
def line(tmp_path: Path) -> Iterator[BmsLine]:
    with make_line(tmp_path / "bms", time_scale=SCALE) as line:
        yield line


@pytest.fixture
def data(tmp_path: Path, native_build: Path) -> Path:
    """Saved data of a gateway that was told to charge with 20 A at most."""
    folder = tmp_path / "data"
    run(native_build, folder, "--set", "charge.max_a=20", "--settings")
    return folder


def run(native_build: Path, data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [native_build / PROGRAM, "--data", data, "--time-scale", "1000", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)


def damage_first(data: Path) -> None:
    for record in (data / "nvs/settings").glob("record?"):
        record.write_bytes(record.read_bytes()[:-1])


def damage_second(data: Path) -> None:
    (data / "flash/limits.bin").write_bytes(b"\0" * SECTORS)


def settled(line: BmsLine, data: Path, ccl: int) -> list[can.Message]:
    """Starts on the data and waits until CCL is there and stays; all frames of the time behind it."""
    with (
        GatewayProcess(line.link, data, "--time-scale", str(SCALE)) as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] == ccl, 40 / SCALE + 5)
        frames = collect(bus, 40 / SCALE)
    assert {limits(m)[1] for m in frames if m.arbitration_id == 0x351} == {ccl}
    return frames


def warned(frames: list[can.Message]) -> bool:
    return {pairs(m)[BMS_INTERNAL_WARNING] for m in frames if m.arbitration_id == 0x35A} == {1}


@pytest.mark.parametrize("damage", [damage_first, damage_second])
def test_a_cap_that_one_place_has_lost_still_holds(line: BmsLine, data: Path, damage: Callable[[Path], None]) -> None:
    damage(data)
    assert not warned(settled(line, data, CAP))


def test_a_cap_that_is_lost_in_both_places_holds_the_battery_down_until_a_person_confirms(
    line: BmsLine, data: Path, native_build: Path
) -> None:
    damage_first(data)
    damage_second(data)
    frames = settled(line, data, TENTH)
    assert {limits(m)[0] for m in frames if m.arbitration_id == 0x351} == {FLOAT}
    assert warned(frames)
    assert "until you confirm these" in run(native_build, data, "--settings").stderr
    confirmed = CliRunner().invoke(main, ("config", "confirm", "--data", str(data)))
    assert (confirmed.exit_code, confirmed.output) == (0, "settings confirmed\n")
    assert run(native_build, data, "--settings").stderr == ""
    assert not warned(settled(line, data, ALL))
