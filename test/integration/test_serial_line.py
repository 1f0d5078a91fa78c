"""The serial device is missing, pulled out, or brings somebody else's noise."""

import os
import random
import time
import tty
from pathlib import Path

from support.instruments.watch import collect, drain, has_id, limits, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.gateway_stack import gateway_stack
from tinybms_gateway.sim.bms.line import BmsLine


def wait_for_log(gateway: GatewayProcess, text: str, within_s: float = 5.0) -> None:
    wait_until(lambda: any(text in line for line in gateway.lines), within_s, lambda: f"no '{text}' in the log")


def test_a_device_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    link = tmp_path / "bms"
    with GatewayProcess(link, tmp_path / "data") as gateway, open_bus(gateway.can_backend()) as bus:
        wait_for_log(gateway, f"{link}: No such file or directory")
        assert collect(bus, 2.5) == []
        assert sum("No such file" in line for line in gateway.lines) == 1, "said once, not every second"
        with BmsLine(link):
            wait_for(bus, has_id(0x351), 5.0)
        assert gateway.stop() == 0


def test_a_device_that_is_pulled_out_comes_back_without_a_restart() -> None:
    with gateway_stack(time_scale=2.0) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        stack.bms.unplug()
        wait_for_log(stack.gateway, "disconnected; reopening")
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] == 0, 5.0)
        collect(bus, 5.0)
        drain(bus)
        assert collect(bus, 1.0) == []
        stack.bms.plug()
        wait_for(bus, lambda m: m.arbitration_id == 0x351 and limits(m)[1] > 0, 5.0)


def test_a_device_that_is_no_serial_line_is_named(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("not a terminal")
    with GatewayProcess(plain, tmp_path / "data") as gateway:
        wait_for_log(gateway, f"{plain}: Inappropriate ioctl")
        assert gateway.stop() == 0
    assert plain.read_text() == "not a terminal"


def test_somebody_elses_noise_is_no_battery(tmp_path: Path) -> None:
    """Random bytes at full speed, with start bytes of frames in them."""
    rng = random.Random(1)
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    with (
        GatewayProcess(Path(os.ttyname(slave)), tmp_path / "data") as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            noise = bytes(rng.choice((0xAA, 0x03, 0x70, rng.randrange(256))) for _ in range(115))
            try:
                os.read(master, 4096)
                os.write(master, noise)
            except BlockingIOError:
                pass
            time.sleep(0.01)
        assert collect(bus, 0.2) == []
        assert gateway.process.poll() is None
        assert gateway.stop() == 0
    os.close(master)
    os.close(slave)


def test_a_line_that_another_gateway_has_is_waited_for_and_taken_when_it_is_free(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line, GatewayProcess(line.link, tmp_path / "first") as first:
        wait_for_log(first, "the BMS answers")
        with GatewayProcess(line.link, tmp_path / "second") as second:
            wait_for_log(second, "Device or resource busy")
            assert first.stop() == 0
            wait_for_log(second, "the BMS answers")
