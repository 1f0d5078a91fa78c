"""`bms write` and `bms reset`: what is refused, what is sent, and that nothing is sent twice unseen."""

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import Chunk, answering, bms, complaint, start, tapped
from modbus_device import modbus_device
from serial_pair import serial_pair
from tinybms_gateway.bms import frames
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.bms_impl import make_line
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.line import BmsLine

READ, WRITE, RESET = 0x03, 0x10, 0x02
WRITES = {0x02, 0x0B, 0x0D, 0x10}
YES = "--yes"


@pytest.fixture
def real(tmp_path: Path, real_dump: Path) -> Iterator[BmsLine]:
    """300 = 4.15 V, 301 = 3 V, 315 = 4.2 V, 316 = 2.9 V."""
    with make_line(tmp_path / "bms", dump=real_dump) as line:
        yield line


def test_the_write_is_the_makers_frame_and_old_and_new_are_shown(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        result = bms("write", tap.port, "over_voltage_cutoff", "4.25", YES)
        requests = tap.requests
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "over_voltage_cutoff: 4.200 V -> 4.250 V",
        "over_voltage_cutoff: written, reads back 4.250 V",
    ]
    body = bytes.fromhex("AA 10 01 3B 00 01 02 10 9A")  # register 315, one register, 4250
    assert [request for request in requests if request[1] != READ] == [body + frames.crc(body)]
    assert requests[-1][1] == READ
    assert real.bms.registers[315] == 4250


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["300", "4.6"], "1.200..4.500 V"),
        (["fully_charged_voltage", "1.1"], "1.200..4.500 V"),
        (["319", "91"], "20..90 degC"),
        (["320", "-41"], "-40..10 degC"),
        (["pulses_per_unit", "100001"], "1..100000"),
        (["series_cells", "3"], "4..16"),
        (["321", "59.9"], "60..95 %"),
        (["state_of_charge_set", "100.002"], "0.000..100.000 %"),
        (["charge_restart_level_enabled", "2"], "0..1"),
        (["305", "65536"], "0..65535 A"),
        (["300", "4.1505"], "steps of 0.001"),
        (["307", "14.5"], "4..16"),
        (["300", "many"], "1.200..4.500 V"),
        (["300", "nan"], "1.200..4.500 V"),
        (["300", "snan"], "1.200..4.500 V"),
        (["300", "inf"], "1.200..4.500 V"),
        (["300", "1e999999999"], "1.200..4.500 V"),
        (["300", ""], "1.200..4.500 V"),
        (["306", "0.1000000000000000000000000000000001"], "0.10..655.00 Ah"),
        (["302", "1"], "register 302: not known"),
        (["65535", "1"], "not known"),
        (["99999999999", "1"], "not known"),
        (["fully_charged", "4"], "did you mean fully_charged_voltage"),
        (["313", "1"], "half of pulses_per_unit"),
        (["330", "1"], "charger_type, discharge_over_current_timeout"),
        (["pack_voltage", "1"], "can only be read; settings are the registers 300..343"),
        (["0", "1"], "can only be read"),
        (["500", "1"], "name one of them"),
        (["504", "1"], "can only be read"),
    ],
    ids=" ".join,
)
def test_a_refusal_says_what_is_allowed_and_sends_nothing(real: BmsLine, arguments: list[str], expected: str) -> None:
    with tapped(real.link) as tap:
        assert expected in complaint(bms("write", tap.port, YES, *arguments), 2)
        assert tap.sent == b""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("fully_discharged_voltage", "3.5", None),
        ("fully_charged_voltage", "4.201", "3.001..4.200 V"),
        ("fully_charged_voltage", "3.0", "3.001..4.200 V"),
        ("fully_charged_voltage", "4.2", None),
        ("over_voltage_cutoff", "4.149", "4.150..4.500 V"),
        ("under_voltage_cutoff", "3.001", "0.800..3.000 V"),
        ("under_voltage_cutoff", "3.0", None),
        ("fully_discharged_voltage", "2.899", "2.900..3.500 V"),
    ],
)
def test_what_contradicts_the_other_settings_is_read_but_not_written(
    real: BmsLine, name: str, value: str, expected: str | None
) -> None:
    with tapped(real.link) as tap:
        result = bms("write", tap.port, name, value, YES)
        if expected is None:
            assert result.exit_code == 0, result.output
            return
        message = complaint(result, 2)
        assert "contradicts what the BMS holds" in message
        assert "nothing was written" in message
        assert expected in message
        assert set(tap.commands()) == {READ}


def test_empty_and_full_can_never_meet(real: BmsLine) -> None:
    real.bms.registers[300] = 3400
    with tapped(real.link) as tap:
        message = complaint(bms("write", tap.port, "fully_discharged_voltage", "3.4", YES), 2)
        assert "2.900..3.399 V" in message
        assert "fully_charged_voltage is 3.400 V" in message
        assert set(tap.commands()) == {READ}


def test_settings_that_contradict_each_other_already_leave_room_for_nothing_between_them(real: BmsLine) -> None:
    real.bms.registers[301], real.bms.registers[315] = 3400, 3300
    message = complaint(bms("write", real.link, "fully_charged_voltage", "3.35", YES), 2)
    assert "fully_discharged_voltage is 3.400 V and over_voltage_cutoff is 3.300 V" in message
    assert "no value until that is put right" in message
    assert bms("write", real.link, "over_voltage_cutoff", "4.2", YES).exit_code == 0


def test_a_neighbour_that_reads_nonsense_does_not_forbid_to_put_things_right(real: BmsLine) -> None:
    real.bms.registers[315] = 0
    assert bms("write", real.link, "fully_charged_voltage", "4.1", YES).exit_code == 0
    assert real.bms.registers[300] == 4100


def test_a_value_that_it_has_already_is_not_written(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        assert "already" in bms("write", tap.port, "300", "4.150", YES).stdout
        assert set(tap.commands()) == {READ}


def test_both_words_of_a_pair_go_in_one_frame(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        assert bms("write", tap.port, "pulses_per_unit", "100000", YES).exit_code == 0
        requests = tap.requests
    body = bytes.fromhex("AA 10 01 38 00 02 04 86 A0 00 01")  # 312: low word first, 100000 = 0x000186A0
    assert [request for request in requests if request[1] != READ] == [body + frames.crc(body)]
    assert real.bms.registers.u32(312) == 100000


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("charger_type", "0", 0x0501, 0x0500),
        ("discharge_over_current_timeout", "30", 0x0501, 0x1E01),
    ],
)
def test_the_other_half_of_a_packed_register_is_kept(
    real: BmsLine, name: str, value: str, before: int, after: int
) -> None:
    real.bms.registers[330] = before
    assert bms("write", real.link, name, value, YES).exit_code == 0
    assert real.bms.registers[330] == after


def test_a_bit_leaves_the_other_bits_alone(real: BmsLine) -> None:
    real.bms.registers[329] = 0b101
    assert bms("write", real.link, "switch_diagnostics_disabled", "1", YES).exit_code == 0
    assert real.bms.registers[329] == 0b111


def test_a_negative_value(real: BmsLine) -> None:
    assert bms("write", real.link, "320", "-5", YES).stdout.startswith("low_temperature_charger_cutoff: 1 degC -> -5")
    assert real.bms.registers[320] == 0xFFFB


def test_the_state_of_charge_is_verified_where_it_shows(real: BmsLine) -> None:
    result = bms("write", real.link, "state_of_charge_set", "50", YES)
    assert result.stdout.splitlines() == [
        "state_of_charge_set: 83.554824 % -> 50.000 %",
        "state_of_charge_set: written, reads back 50.000000 %",
    ]
    assert real.bms.registers.u32(46) == 50_000_000


def test_a_foreign_modbus_server_is_written() -> None:
    registers = {300: 4150, 301: 3000, 315: 4200, 316: 2900}
    with serial_pair() as (near, far), modbus_device(far, registers):
        assert bms("write", near, "300", "4.1", YES).exit_code == 0
        assert "4.100 V" in bms("read", near, "300").stdout


def test_without_anybody_to_ask_nothing_is_sent(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        for command, *arguments in (("write", "300", "4.1"), ("reset", "bms")):
            assert "--yes" in complaint(bms(command, tap.port, *arguments), 2)
        assert tap.sent == b""


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("n", False), ("", False)])
def test_the_user_is_asked_on_a_terminal(real: BmsLine, answer: str, written: bool) -> None:
    keyboard, terminal = pty.openpty()
    with tapped(real.link) as tap:
        process = start("write", tap.port, "300", "4.1", stdin=terminal)
        os.close(terminal)
        os.write(keyboard, answer.encode() + b"\n")
        output, errors = process.communicate(timeout=20)
        os.close(keyboard)
        assert "fully_charged_voltage: 4.150 V -> 4.100 V" in output
        assert process.returncode == (0 if written else 1), errors
        assert (WRITE in tap.commands()) == written
    assert real.bms.registers[300] == (4100 if written else 4150)
    if not written:
        assert "nothing was written" in errors


def drop_first(command: int) -> tuple[list[bytes], Chunk]:
    """A filter that loses the first frame with a command, and what it has lost."""
    lost: list[bytes] = []

    def pass_on(chunk: bytes) -> bytes:
        if chunk[1:2] == bytes([command]) and not lost:
            lost.append(chunk)
            return b""
        return chunk

    return lost, pass_on


def test_when_the_confirmation_is_lost_it_reads_and_does_not_write_again(real: BmsLine) -> None:
    lost, pass_on = drop_first(WRITE)
    with tapped(real.link, answer=pass_on) as tap:
        assert bms("write", tap.port, "300", "4.1", YES).exit_code == 0
        assert tap.commands().count(WRITE) == 1
    assert len(lost) == 1
    assert real.bms.registers[300] == 4100


def test_when_the_write_is_lost_it_reads_before_it_writes_again(real: BmsLine) -> None:
    lost, pass_on = drop_first(WRITE)
    with tapped(real.link, request=pass_on) as tap:
        assert bms("write", tap.port, "300", "4.1", YES).exit_code == 0
        commands = tap.commands()
    assert len(lost) == 1
    first = commands.index(WRITE)
    second = commands.index(WRITE, first + 1)
    assert commands[first + 1 : second] == [READ] * (second - first - 1)
    assert second - first > 1
    assert commands.count(WRITE) == 2
    assert real.bms.registers[300] == 4100


def test_a_write_that_is_confirmed_but_not_kept_fails_with_what_the_bms_holds(tmp_path: Path, real_dump: Path) -> None:
    with make_line(tmp_path / "bms", dump=real_dump, faults=("forget_writes",)) as line, tapped(line.link) as tap:
        message = complaint(bms("write", tap.port, "300", "4.1", YES), 1)
        assert "still holds 4.150 V" in message
        assert tap.commands().count(WRITE) == 1


def test_a_write_that_is_refused_fails() -> None:
    device = TinyBms({300: 4150, 301: 3000, 315: 4200, 316: 2900})

    def answer(request: bytes) -> bytes:
        return frames.frame(0x00, WRITE, 0x00) if request[1] == WRITE else protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        assert "refused, and the BMS still holds 4.150 V" in complaint(bms("write", tap.port, "300", "4.1", YES), 1)


def test_silence_after_a_write_leaves_no_doubt_that_it_may_have_happened() -> None:
    device = TinyBms({300: 4150, 301: 3000, 315: 4200, 316: 2900})
    dead: list[bytes] = []

    def answer(request: bytes) -> bytes:
        if request[1] == WRITE or dead:
            dead.append(request)
            return b""
        return protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        result = bms("write", tap.port, "--timeout", "0.4", "--retries", "1", YES, "300", "4.1")
        assert "whether it was written is not known" in complaint(result, 1)
        assert tap.commands().count(WRITE) == 1


def test_on_a_bad_line_a_setting_is_written_and_verified(tmp_path: Path, real_dump: Path) -> None:
    faults = ("corrupt=0.4", "noise=0.3", "broadcast=0.2")
    with make_line(tmp_path / "bms", dump=real_dump, faults=faults, seed=7) as line:
        for volts in ("4.10", "4.11", "4.12"):
            result = bms("write", line.link, "--timeout", "0.1", "--retries", "30", YES, "300", volts)
            assert result.exit_code == 0, result.output
            assert line.bms.registers[300] == round(float(volts) * 1000)


def test_events_and_statistics_are_cleared(real: BmsLine) -> None:
    real.bms.registers[106] = 3
    with tapped(real.link) as tap:
        assert bms("reset", tap.port, "events", YES).exit_code == 0
        assert bms("reset", tap.port, "statistics", YES).exit_code == 0
        resets = [request for request in tap.requests if request[1] in WRITES]
    assert [request[:3] for request in resets] == [bytes.fromhex("AA 02 01"), bytes.fromhex("AA 02 02")]
    assert real.bms.events == []
    assert real.bms.registers[106] == 0


def test_a_restart_is_seen_in_the_events_and_sent_once(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line, tapped(line.link) as tap:
        line.bms.lifetime_s += 60  # since the start that its events tell of
        assert bms("reset", tap.port, "bms", YES).exit_code == 0
        assert [r for r in tap.requests if r[1] == RESET] == [bytes.fromhex("AA 02 05 90 83")]
        assert [event.id for event in line.bms.events] == [0x61, 0x61]


def test_a_restart_that_is_not_confirmed_is_looked_for_and_not_sent_again(tmp_path: Path) -> None:
    lost, pass_on = drop_first(0x01)
    with BmsLine(tmp_path / "bms") as line, tapped(line.link, answer=pass_on) as tap:
        line.bms.lifetime_s += 60
        assert bms("reset", tap.port, "bms", YES).exit_code == 0
        assert tap.commands().count(RESET) == 1
    assert len(lost) == 1


def test_a_reset_that_does_not_show_fails() -> None:
    device = TinyBms()

    def answer(request: bytes) -> bytes:
        return frames.frame(0x01, RESET) if request[1] == RESET else protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        message = complaint(bms("reset", tap.port, "events", YES), 1)
        assert "does not show" in message
        assert tap.commands().count(RESET) == 1
