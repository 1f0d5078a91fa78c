"""A real CAN bus behind a text adapter such as a CANable: what the GX gets, and what an adapter may do wrong."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import can
import pytest

from support.instruments.watch import collect, drain, has_id, limits, longest_gap, open_bus, wait_for, wait_until
from support.peers.canable import CANABLE, LAWICEL, Adapter, Firmware, PtyPort, TcpPort
from tinybms_gateway.gateway_process import GatewayProcess
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack
from tinybms_gateway.sim.bms.line import BmsLine

KEEPALIVE = can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False)

MakeAdapter = Callable[..., Adapter]


@pytest.fixture
def usb(tmp_path: Path) -> MakeAdapter:
    """Makes an adapter on a serial device."""
    return lambda firmware=LAWICEL: Adapter(PtyPort(tmp_path / "ttyACM0"), firmware)


@pytest.fixture(params=["usb lawicel", "usb canable", "tcp lawicel"])
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Adapter:
    """An adapter of each sort."""
    kind, _, name = request.param.partition(" ")
    firmware: Firmware = LAWICEL if name == "lawicel" else CANABLE
    return Adapter(TcpPort() if kind == "tcp" else PtyPort(tmp_path / "ttyACM0"), firmware)


@pytest.fixture(params=[LAWICEL, CANABLE], ids=["lawicel", "canable"])
def usb_adapter(request: pytest.FixtureRequest, usb: MakeAdapter) -> Adapter:
    return usb(request.param)


def wait_for_log(stack: GatewayStack, text: str, within_s: float = 8.0, times: int = 1) -> None:
    wait_until(
        lambda: sum(text in line for line in stack.gateway.lines) >= times,
        within_s,
        lambda: f"no '{text}' in the log: {list(stack.gateway.lines)[-8:]}",
    )


def set_soc(stack: GatewayStack, percent: float) -> None:
    with stack.bms.lock:
        stack.bms.bms.set_value("soc", percent)


def percents(frames: list[can.Message]) -> set[int]:
    return {m.data[0] for m in frames if m.arbitration_id == 0x355}


def test_the_simulated_adapter_is_one_for_python_can_too(adapter: Adapter) -> None:
    """Else what follows would only show that simulator and gateway agree with each other. Both name it alike."""
    sent = [
        can.Message(arbitration_id=0x7FF, data=b"\x00\x01\xfe\xff", is_extended_id=False),
        can.Message(arbitration_id=0x351, data=bytes(range(8)), is_extended_id=False),
    ]
    extended = can.Message(arbitration_id=0x1ABCDEF0, data=b"\xaa", is_extended_id=True)
    with adapter, adapter.peer() as gx, open_bus(adapter.backend) as bus:
        for message in sent:
            bus.send(message)
        assert [(m.arbitration_id, bytes(m.data)) for m in collect(gx, 0.5)] == [
            (m.arbitration_id, bytes(m.data)) for m in sent
        ]
        gx.send(extended)
        received = wait_for(bus, has_id(extended.arbitration_id), 2.0)
        assert received.is_extended_id and bytes(received.data) == b"\xaa"


def test_the_frames_of_a_healthy_battery_come_in_order_and_in_time(adapter: Adapter) -> None:
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend, faults=("silence",)) as stack:
        # What is due before the gateway takes the channel as open is not acknowledged and comes again, out of order.
        wait_for_log(stack, ": open, version")
        stack.bms.faults.set("silence", 0)
        first = wait_for(gx, lambda _: True, 8.0)
        frames = [first, *collect(gx, 4.5)]
    # CVL begins at float, 16 x 3.375 V; the BMS is set to 100 A of charge and 120 A of discharge: 90 % of it, from a
    # tenth on.
    assert first.arbitration_id == 0x351
    assert limits(first) == (540, 90, 108)
    sent = [limits(m) for m in frames if m.arbitration_id == 0x351]
    assert sent == sorted(sent) and {cvl for cvl, _, _ in sent} == {540}
    first_seen = list(dict.fromkeys(m.arbitration_id for m in frames))
    assert first_seen[:4] == [0x351, 0x35A, 0x355, 0x356]
    for alarms in (m.data for m in frames if m.arbitration_id == 0x35A):
        assert not any(byte >> shift & 3 == 1 for byte in alarms[:7] for shift in (0, 2, 4, 6)), "no alarm is active"
        assert alarms[7] >> 2 & 3 == 2, "online"
    assert longest_gap([m.timestamp for m in frames if m.arbitration_id == 0x351]) < 3.0, "the GX waits for 3 s"


@pytest.mark.parametrize(("bitrate", "code"), [(500000, "S6"), (250000, "S5")])
def test_the_channel_is_opened_with_the_bit_rate_of_the_settings_and_closed_at_the_end(
    adapter: Adapter, bitrate: int, code: str
) -> None:
    with adapter, adapter.peer() as gx:
        with gateway_stack(can_backend=adapter.backend, options=("--set", f"can.bitrate={bitrate}")):
            wait_for(gx, has_id(0x351), 8.0)
        time.sleep(0.2)
        told = [command for command in adapter.commands if command not in ("", "V")]
        assert told[0] == "C"
        assert told.index("A0") < told.index("O")
        assert told[told.index("O") - 1] == code
        assert told[-1] == "C"


def test_the_keepalive_of_the_gx_is_noticed_and_its_loss_too(adapter: Adapter) -> None:
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend, time_scale=4.0) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        for _ in range(4):
            gx.send(KEEPALIVE)
            time.sleep(0.25)
        wait_for_log(stack, "keepalive OK")
        wait_for_log(stack, "no keepalive (0x305)")


def test_frames_that_only_look_like_the_keepalive_are_none(usb: MakeAdapter) -> None:
    with usb() as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        gx.send(can.Message(arbitration_id=0x305, dlc=8, is_remote_frame=True, is_extended_id=False))
        gx.send(can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=True))
        gx.send(can.Message(arbitration_id=0x306, data=bytes(8), is_extended_id=False))
        collect(gx, 1.0)
        assert not any("keepalive OK" in line for line in stack.gateway.lines)


def test_frames_stop_when_the_bms_is_silent_and_come_back_fresh(usb_adapter: Adapter) -> None:
    adapter = usb_adapter
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend, time_scale=4.0) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        stack.bms.faults.set("silence", 1)
        wait_for(gx, lambda m: m.arbitration_id == 0x351 and limits(m)[1] == 0, 5.0)
        collect(gx, 8.0 / 4.0)
        drain(gx)
        assert collect(gx, 1.0) == []
        set_soc(stack, 33.0)
        stack.bms.faults.set("silence", 0)
        frames = collect(gx, 2.0)
        assert percents(frames) == {33}
        assert min(limits(m)[1] for m in frames if m.arbitration_id == 0x351) >= 90, "the ramp begins at a tenth"


def test_a_peer_that_leaves_and_comes_back_gets_fresh_frames_only(usb_adapter: Adapter) -> None:
    """The adapter of Lawicel's sort repeats its frames for ever, and takes more of them meanwhile."""
    adapter = usb_adapter
    with adapter, gateway_stack(can_backend=adapter.backend) as stack:
        with adapter.peer() as gx:
            gx.send(KEEPALIVE)
            wait_for(gx, has_id(0x355), 8.0)
            gx.send(KEEPALIVE)
        set_soc(stack, 41.0)
        time.sleep(5.0)
        with adapter.peer() as gx:
            frames = collect(gx, 2.5)
        assert percents(frames) == {41}
        assert sum(m.timestamp - frames[0].timestamp < 0.2 for m in frames) <= 12, "one every 20 ms at most"


def test_a_bus_that_was_held_gets_no_old_frames(usb_adapter: Adapter) -> None:
    adapter = usb_adapter
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        gx.send(KEEPALIVE)
        wait_for(gx, has_id(0x355), 8.0)
        adapter.held = True
        set_soc(stack, 37.0)
        time.sleep(9.0)
        drain(gx)
        adapter.held = False
        frames = collect(gx, 2.5)
        assert percents(frames) == {37}
        assert sum(m.timestamp - frames[0].timestamp < 0.2 for m in frames) <= 12


def test_nothing_is_left_in_the_adapter_when_nothing_may_be_sent(usb_adapter: Adapter) -> None:
    adapter = usb_adapter
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend, time_scale=4.0) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        adapter.held = True
        stack.bms.faults.set("silence", 1)
        time.sleep(5.0)
        drain(gx)
        adapter.held = False
        assert collect(gx, 1.0) == []


def test_an_adapter_that_refuses_frames_is_named_and_gets_fresh_ones_later(usb: MakeAdapter) -> None:
    with usb() as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        adapter.fault = "nak"
        wait_for_log(stack, "refuses frames")
        wait_for_log(stack, "-> error-passive")
        set_soc(stack, 26.0)
        time.sleep(1.5)
        drain(gx)
        adapter.fault = ""
        frames = collect(gx, 3.0)
        assert percents(frames) == {26}
        wait_for_log(stack, "accepts frames again")
        assert sum("refuses frames" in line for line in stack.gateway.lines) == 1, "said once, not for every frame"


def stop_and_resume(adapter: Adapter, fault: str) -> None:
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        adapter.fault = fault
        wait_for_log(stack, "disconnected or silent")
        wait_for_log(stack, "does not answer like an slcan adapter")
        set_soc(stack, 63.0)
        time.sleep(2.0)
        drain(gx)
        adapter.fault = ""
        assert percents(collect(gx, 4.0)) == {63}
        assert sum("does not answer" in line for line in stack.gateway.lines) == 1, "said once, not every second"


def test_an_adapter_that_falls_silent_is_opened_anew(adapter: Adapter) -> None:
    stop_and_resume(adapter, "silent")


def test_an_adapter_whose_line_never_ends_is_opened_anew(usb: MakeAdapter) -> None:
    stop_and_resume(usb(), "endless")


def test_an_adapter_that_sends_garbage_is_survived(usb: MakeAdapter) -> None:
    with usb() as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        adapter.fault = "garbage"
        wait_for_log(stack, "a line that is not slcan")
        set_soc(stack, 18.0)
        time.sleep(3.0)
        drain(gx)
        adapter.fault = ""
        assert percents(collect(gx, 4.0)) == {18}
        assert stack.gateway.process.poll() is None


def test_an_adapter_that_loses_answers_now_and_then_does_its_work(usb: MakeAdapter) -> None:
    with usb(CANABLE) as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend):
        wait_for(gx, has_id(0x351), 8.0)
        adapter.fault = "mislay"
        times = [m.timestamp for m in collect(gx, 8.0) if m.arbitration_id == 0x351]
    assert len(times) >= 5
    assert longest_gap(times) < 3.0, "the GX waits for 3 s"


def test_an_adapter_that_is_unplugged_comes_back_without_a_restart(adapter: Adapter) -> None:
    with adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        for round_, percent in enumerate((52.0, 34.0), start=1):
            wait_for(gx, has_id(0x351), 8.0)
            adapter.unplug()
            wait_for_log(stack, "disconnected or silent", times=round_)
            set_soc(stack, percent)
            time.sleep(1.0)
            drain(gx)
            adapter.plug()
            assert percents(collect(gx, 4.0)) == {int(percent)}


def test_an_adapter_that_is_not_there_at_first_is_waited_for(adapter: Adapter, tmp_path: Path) -> None:
    with (
        BmsLine(tmp_path / "bms") as line,
        GatewayProcess(line.link, tmp_path / "data", can=adapter.backend) as gateway,
    ):
        deadline = time.monotonic() + 8.0
        while not any("retrying until it is available" in text for text in gateway.lines):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with adapter, adapter.peer() as gx:
            wait_for(gx, has_id(0x351), 8.0)
            assert gateway.stop() == 0


def test_the_status_flags_of_the_adapter_are_told(usb: MakeAdapter) -> None:
    with usb() as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend) as stack:
        wait_for(gx, has_id(0x351), 8.0)
        adapter.status = 0x20 | 0x80
        wait_for_log(stack, "status A0, error-passive, bus error")
        drain(gx)
        wait_for(gx, has_id(0x351), 2.5)


def test_a_flood_from_the_bus_does_not_hold_up_the_limits(usb: MakeAdapter) -> None:
    with usb() as adapter, adapter.peer() as gx, gateway_stack(can_backend=adapter.backend):
        wait_for(gx, has_id(0x351), 8.0)
        flood = can.Message(arbitration_id=0x1F0, data=bytes(range(8)), is_extended_id=False)
        times = []
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            for _ in range(20):
                gx.send(flood)
            times += [m.timestamp for m in collect(gx, 0.01) if m.arbitration_id == 0x351]
    assert len(times) >= 3
    assert longest_gap(times) < 3.0, "the GX waits for 3 s"


def test_the_command_runs_a_gateway_on_an_adapter(usb: MakeAdapter, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tinybms_gateway", "gateway", "--uart", str(tmp_path / "bms")]
    with usb(CANABLE) as adapter, adapter.peer() as gx, BmsLine(tmp_path / "bms"):
        gateway = subprocess.Popen([*command, "--can", adapter.backend], stdout=subprocess.DEVNULL, env=os.environ)
        try:
            wait_for(gx, has_id(0x351), 20.0)
        finally:
            gateway.send_signal(signal.SIGINT)
            assert gateway.wait(10) == 0
