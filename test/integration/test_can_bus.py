"""No peer, bus-off, floods, and clients that do not behave."""

import re
import time
from contextlib import suppress

import can

from support.instruments.watch import (
    collect,
    command,
    drain,
    has_id,
    limits,
    longest_gap,
    open_bus,
    raw_client,
    wait_for,
)
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

KEEPALIVE = can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False)


def set_soc(stack: GatewayStack, percent: float) -> None:
    with stack.bms.lock:
        stack.bms.bms.set_value("soc", percent)


def test_without_a_peer_it_is_error_passive_and_a_peer_gets_only_fresh_frames() -> None:
    with gateway_stack() as stack:
        for percent in (90.0, 70.0, 50.0):
            set_soc(stack, percent)
            time.sleep(1.5)
        assert any("-> error-passive" in line for line in stack.gateway.lines)
        with open_bus(stack.can_backend) as bus:
            frames = collect(bus, 3.0)
            assert {m.data[0] for m in frames if m.arbitration_id == 0x355} == {50}
            assert sum(m.timestamp - frames[0].timestamp < 0.2 for m in frames) <= 12, "one every 20 ms at most"
            assert sum(m.arbitration_id == 0x351 for m in frames) <= 4
        (back,) = (line for line in stack.gateway.lines if "error-passive -> " in line)
        tec = re.search(r"error-passive -> error-active, TEC (\d+)", back)
        assert tec and 96 <= int(tec[1]) < 128, "the driver has no warning on the way down"


def test_a_peer_that_leaves_and_comes_back_gets_fresh_frames() -> None:
    with gateway_stack() as stack:
        with open_bus(stack.can_backend) as bus:
            wait_for(bus, has_id(0x355), 5.0)
        set_soc(stack, 41.0)
        time.sleep(2.0)
        with open_bus(stack.can_backend) as bus:
            assert {m.data[0] for m in collect(bus, 2.5) if m.arbitration_id == 0x355} == {41}


def test_bus_off_is_recovered_from_without_missing_the_deadline_of_the_limits() -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus, raw_client(stack.can_backend) as saboteur:
        wait_for(bus, has_id(0x351), 5.0)
        times = []
        for percent in (30.0, 20.0, 10.0):
            set_soc(stack, percent)
            before = collect(bus, 0.4)
            assert command(saboteur, "< fault busoff >") == b"< ok >"
            frames = collect(bus, 2.5)
            times += [m.timestamp for m in before + frames if m.arbitration_id == 0x351]
            assert {m.data[0] for m in frames if m.arbitration_id == 0x355} == {int(percent)}
        assert longest_gap(times) < 1.5
        lines = list(stack.gateway.lines)
        assert sum("bus-off: check wiring" in line for line in lines) == 3
        assert sum("recovered from bus-off" in line for line in lines) == 3


def test_a_bus_that_was_held_is_used_again_with_fresh_frames_and_without_a_burst() -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus, raw_client(stack.can_backend) as saboteur:
        wait_for(bus, has_id(0x351), 5.0)
        assert command(saboteur, "< fault stuck >") == b"< ok >"
        drain(bus)
        set_soc(stack, 37.0)
        assert len(collect(bus, 2.5)) <= 1
        assert command(saboteur, "< fault none >") == b"< ok >"
        frames = collect(bus, 2.5)
        assert {m.data[0] for m in frames if m.arbitration_id == 0x355} == {37}
        assert sum(m.timestamp - frames[0].timestamp < 0.2 for m in frames) <= 12, "one every 20 ms at most"
        assert 2 <= sum(m.arbitration_id == 0x351 for m in frames) <= 4


def test_a_frame_that_is_stuck_and_cannot_be_made_any_more_does_not_block_the_others() -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus, raw_client(stack.can_backend) as saboteur:
        wait_for(bus, has_id(0x375), 5.0)  # 0x376, the sensor's name, is the next one
        command(saboteur, "< fault stuck >")
        time.sleep(0.15)
        with stack.bms.lock:
            stack.bms.bms.set_value("temp1", -3276.8)  # not connected
            stack.bms.bms.set_value("temp2", -3276.8)
        time.sleep(1.0)
        drain(bus)
        command(saboteur, "< fault none >")
        wait_for(bus, has_id(0x351), 1.5)
        assert not any(m.arbitration_id in (0x376, 0x377) for m in collect(bus, 2.5))


def test_a_bus_held_during_a_silence_of_the_bms_brings_no_old_frame() -> None:
    with (
        gateway_stack(time_scale=4.0) as stack,
        open_bus(stack.can_backend) as bus,
        raw_client(stack.can_backend) as saboteur,
    ):
        wait_for(bus, has_id(0x351), 5.0)
        stack.bms.faults.set("silence", 1)
        command(saboteur, "< fault stuck >")
        time.sleep(14.0 / 4.0)
        drain(bus)
        command(saboteur, "< fault none >")
        assert collect(bus, 1.0) == []
        stack.bms.faults.set("silence", 0)
        assert limits(wait_for(bus, has_id(0x351), 3.0))[1] > 0


def test_a_flood_of_foreign_frames_does_not_hold_up_the_limits() -> None:
    with gateway_stack() as stack, open_bus(stack.can_backend) as bus, raw_client(stack.can_backend) as flood:
        wait_for(bus, has_id(0x351), 5.0)
        command(flood, "< open can0 >")
        burst = b"< send 1F0 8 1 2 3 4 5 6 7 8 >" * 200
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            flood.sendall(burst)
            drain(bus)
            time.sleep(0.02)
        drain(bus)
        times = [m.timestamp for m in collect(bus, 4.0) if m.arbitration_id == 0x351]
        assert len(times) >= 3
        assert longest_gap(times) < 1.5
        assert stack.gateway.process.poll() is None


def test_a_client_that_never_reads_loses_its_own_frames_only() -> None:
    with gateway_stack() as stack, raw_client(stack.can_backend) as deaf, raw_client(stack.can_backend) as talker:
        command(deaf, "< open can0 >")
        deaf.sendall(b"< rawmode >")
        command(talker, "< open can0 >")
        for _ in range(600):
            talker.sendall(b"< send 1F0 8 1 2 3 4 5 6 7 8 >" * 200)
        with open_bus(stack.can_backend) as bus:
            wait_for(bus, has_id(0x351), 5.0)
        assert any("reads too slowly" in line for line in stack.gateway.lines)


def test_frames_of_a_client_reach_the_others_as_they_are() -> None:
    sent = [
        can.Message(arbitration_id=0x7FF, data=b"\x00\x01\xfe\xff", is_extended_id=False),
        can.Message(arbitration_id=0x001, data=b"", is_extended_id=False),
        can.Message(arbitration_id=0x351, data=bytes(range(8)), is_extended_id=True),
    ]
    with (
        gateway_stack(faults=("silence",)) as stack,
        open_bus(stack.can_backend) as sender,
        open_bus(stack.can_backend) as receiver,
    ):
        for message in sent:
            sender.send(message)
        received = collect(receiver, 0.5)
        assert collect(sender, 0.2) == [], "a sender does not hear itself"
    assert [(m.arbitration_id, m.is_extended_id, bytes(m.data)) for m in received] == [
        (m.arbitration_id, m.is_extended_id, bytes(m.data)) for m in sent
    ]


def test_commands_that_make_no_sense_are_answered_with_an_error() -> None:
    with gateway_stack() as stack, raw_client(stack.can_backend) as client:
        for nonsense in (
            "< open can7 >",
            "< rawmode >",
            "< send 351 0 >",
            "< frobnicate >",
            "< fault everything >",
        ):
            assert command(client, nonsense).startswith(b"< error "), nonsense
        assert command(client, "< open can0 >") == b"< ok >"
        for nonsense in (
            "< send 351 >",
            "< send 800 0 >",
            "< send 351 9 0 0 0 0 0 0 0 0 0 >",
            "< send 351 2 1 >",
            "< send 351 1 1 2 >",
            "< send 351 1 100 >",
            "< send 351 1 zz >",
            "< send FFFFFFFF 0 >",
        ):
            assert command(client, nonsense).startswith(b"< error "), nonsense
        assert command(client, "noise < echo >") == b"< echo >"


def test_a_command_without_end_ends_the_connection_only() -> None:
    with gateway_stack() as stack:
        with raw_client(stack.can_backend) as client:
            client.sendall(b"<" + b"x" * 10_000)
            with suppress(ConnectionResetError):
                assert client.recv(64) == b""
        with open_bus(stack.can_backend) as bus:
            wait_for(bus, has_id(0x351), 5.0)


def test_the_keepalive_of_the_gx_is_noticed_and_its_loss_too() -> None:
    with gateway_stack(time_scale=4.0) as stack, open_bus(stack.can_backend) as bus:
        for _ in range(4):
            bus.send(KEEPALIVE)
            time.sleep(0.25)
        assert any("keepalive OK" in line for line in stack.gateway.lines)
        time.sleep(11.0 / 4.0)
        assert any("no keepalive (0x305)" in line for line in stack.gateway.lines)
        drain(bus)
        wait_for(bus, has_id(0x351), 2.0)
