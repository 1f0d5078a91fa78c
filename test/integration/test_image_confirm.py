"""An image that an update has brought confirms itself when what worked before works again, or it is given up."""

import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.instruments.watch import collect, open_bus, wait_until
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

SCALE = 10.0
UPTIME_MS = 100_000
"""At the start: 20 s before the time of a decision, 2 s here."""
DECIDED_S = (120.0 - UPTIME_MS / 1000) / SCALE
LOOKS_S = 5.0
"""In this time an image that is confirmed would have stored what does not work."""
WITHIN_S = 10.0
SECTOR = 4096
NEW, PENDING, VALID, ABORTED = 0, 1, 2, 4
"""States of an image, in the format of ESP-IDF."""
BOTH = "the BMS and the CAN bus"


@pytest.fixture
def line(tmp_path: Path) -> Iterator[BmsLine]:
    with make_line(tmp_path / "bms", time_scale=SCALE) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def entry(sequence: int, state: int) -> bytes:
    number = struct.pack("<I", sequence)
    return number + b"\xff" * 20 + struct.pack("<II", state, zlib.crc32(number, 0xFFFFFFFF))


def update(data: Path) -> None:
    """What an update leaves: the image in ota_0 was confirmed, that in ota_1 is new."""
    (data / "flash").mkdir(parents=True, exist_ok=True)
    (data / "flash/otadata.bin").write_bytes(entry(1, VALID).ljust(SECTOR, b"\xff") + entry(2, NEW))


def state(data: Path) -> int:
    """Of the image in ota_1."""
    return int(struct.unpack_from("<I", (data / "flash/otadata.bin").read_bytes(), SECTOR + 24)[0])


@contextmanager
def running(line: BmsLine, data: Path, *, acknowledged: bool = True) -> Iterator[GatewayProcess]:
    options = ("--time-scale", str(SCALE), "--start-uptime-ms", str(UPTIME_MS))
    with GatewayProcess(line.link, data, *options) as gateway:
        if acknowledged:
            with open_bus(gateway.can_backend()):
                yield gateway
        else:
            yield gateway


def set_silent(line: BmsLine, silent: bool) -> None:
    with line.lock:
        line.faults.set("silence", 1 if silent else 0)


def run_until_stored(line: BmsLine, data: Path, *, acknowledged: bool = True) -> None:
    """The image before the update runs until it has stored what works."""
    with running(line, data, acknowledged=acknowledged):
        wait_until((data / "nvs/ota/worked").exists, WITHIN_S, lambda: "nothing is stored")


def wait_for_line(gateway: GatewayProcess, text: str) -> None:
    def said() -> bool:
        return any(text in line for line in list(gateway.lines))

    wait_until(said, WITHIN_S, lambda: f"{text!r} is not in the log")


def test_a_new_image_is_confirmed_after_two_minutes_when_all_that_worked_works(line: BmsLine, data: Path) -> None:
    run_until_stored(line, data)
    update(data)
    begin = time.monotonic()
    with running(line, data) as gateway:
        wait_for_line(gateway, f"required because it worked before: {BOTH}")
        assert state(data) == PENDING
        wait_until(lambda: state(data) == VALID, WITHIN_S, lambda: "it is not confirmed")
        assert time.monotonic() - begin > DECIDED_S
        wait_for_line(gateway, "this image is confirmed")
    with running(line, data):
        assert state(data) == VALID


def test_as_long_as_something_that_worked_does_not_the_image_is_not_confirmed_and_a_restart_gives_it_up(
    line: BmsLine, data: Path
) -> None:
    run_until_stored(line, data)
    update(data)
    set_silent(line, True)
    with running(line, data) as gateway:
        wait_for_line(gateway, "Worked before, but not now: the BMS")
        stored = (data / "nvs/ota/worked").read_bytes()
        with open_bus(gateway.can_backend()) as bus:
            assert collect(bus, LOOKS_S / SCALE) == [], "the BMS is silent"
        assert (data / "nvs/ota/worked").read_bytes() == stored, "it lowers its own bar"
        assert state(data) == PENDING
    with running(line, data):
        assert state(data) == ABORTED


def test_it_is_confirmed_late_when_what_worked_comes_back(line: BmsLine, data: Path) -> None:
    run_until_stored(line, data)
    update(data)
    with running(line, data, acknowledged=False) as gateway:
        wait_for_line(gateway, "Worked before, but not now: the CAN bus")
        with open_bus(gateway.can_backend()):
            wait_until(lambda: state(data) == VALID, WITHIN_S, lambda: "it is not confirmed")


def test_what_did_not_work_before_is_not_asked_for(line: BmsLine, data: Path) -> None:
    set_silent(line, True)
    run_until_stored(line, data, acknowledged=False)
    update(data)
    with running(line, data, acknowledged=False) as gateway:
        wait_for_line(gateway, "required because it worked before: nothing")
        wait_until(lambda: state(data) == VALID, WITHIN_S, lambda: "it is not confirmed")


@pytest.mark.parametrize("damaged", [False, True], ids=["never stored", "damaged"])
def test_when_it_is_not_known_what_worked_all_is_asked_for(line: BmsLine, data: Path, damaged: bool) -> None:
    if damaged:
        run_until_stored(line, data)
        (data / "nvs/ota/worked").write_bytes(b"\x00")
    update(data)
    with running(line, data) as gateway:
        wait_for_line(gateway, f"required because it worked before: {BOTH}")
