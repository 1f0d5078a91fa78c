"""`bms write` and `bms reset`: what is refused, what is sent, and that nothing is sent twice unseen."""

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.peers.modbus_device import modbus_device
from support.peers.serial_pair import serial_pair
from tinybms_gateway.bms import frames
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from toolkit.bms.client_world import Chunk, answering, bms, complaint, start, tapped

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
        (["pack_voltage", "1"], "is read-only; settings are the registers 300..343"),
        (["0", "1"], "is read-only"),
        (["500", "1"], "give one of these names"),
        (["504", "1"], "is read-only"),
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
        ("fully_charged_voltage", "4.201", "fully_charged_voltage 4.201 V would be above over_voltage_cutoff 4.200 V"),
        (
            "fully_charged_voltage",
            "3.0",
            "fully_discharged_voltage 3.000 V would not be below fully_charged_voltage 3.",
        ),
        ("fully_charged_voltage", "4.2", None),
        ("over_voltage_cutoff", "4.149", "fully_charged_voltage 4.150 V would be above over_voltage_cutoff 4.149 V"),
        ("over_voltage_cutoff", "4.15", None),
        (
            "under_voltage_cutoff",
            "3.0",
            "under_voltage_cutoff 3.000 V would not be below fully_discharged_voltage 3.000",
        ),
        ("under_voltage_cutoff", "2.999", None),
        ("fully_discharged_voltage", "2.9", "under_voltage_cutoff 2.900 V would not be below fully_discharged_voltage"),
        ("series_cells", "13", "series_cells: cannot be 13, the BMS measures 14"),
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
        assert "nothing was written" in message
        assert expected in message
        assert set(tap.commands()) == {READ}


def test_the_number_of_cells_can_be_set_to_what_is_measured_and_to_nothing_while_none_is(real: BmsLine) -> None:
    real.bms.registers[307] = 16
    assert bms("write", real.link, "series_cells", "14", YES).exit_code == 0
    assert real.bms.registers[307] == 14
    for address in range(16):
        real.bms.registers[address] = 0
    assert "the BMS measures no cell" in complaint(bms("write", real.link, "307", "13", YES), 2)


def test_a_pack_whose_full_voltage_is_its_cutoff_can_be_written(real: BmsLine) -> None:
    real.bms.registers[315] = 4150
    assert bms("write", real.link, "early_balancing_threshold", "4.0", YES).exit_code == 0
    assert bms("write", real.link, "fully_charged_voltage", "4.1", YES).exit_code == 0
    assert bms("write", real.link, "300=4.2", "315=4.2", YES).exit_code == 0
    assert (real.bms.registers[300], real.bms.registers[315]) == (4200, 4200)


def test_settings_that_contradict_each_other_already_are_put_right_one_by_one(real: BmsLine) -> None:
    real.bms.registers[301], real.bms.registers[315] = 3400, 3300
    message = complaint(bms("write", real.link, "fully_charged_voltage", "3.35", YES), 2)
    assert "fully_discharged_voltage 3.400 V would not be below fully_charged_voltage 3.350 V" in message
    assert bms("write", real.link, "over_heat_cutoff", "50", YES).exit_code == 0
    assert bms("write", real.link, "over_voltage_cutoff", "4.2", YES).exit_code == 0


def test_a_neighbour_that_reads_nonsense_is_put_right_first(real: BmsLine) -> None:
    real.bms.registers[315] = 0
    assert "over_voltage_cutoff 0.000 V" in complaint(bms("write", real.link, "fully_charged_voltage", "4.1", YES), 2)
    assert bms("write", real.link, "over_voltage_cutoff", "4.2", YES).exit_code == 0
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
            assert "--yes" in complaint(bms(command, tap.port, *arguments), 2), command
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


@pytest.mark.parametrize(
    ("settings", "attention"),
    [
        (["315", "4.25"], ["over_voltage_cutoff 4.200 V -> 4.250 V loosens a protection"]),
        (["315", "4.18"], []),
        (["320", "-21"], ["low_temperature_charger_cutoff -21 degC allows charging below -20 degC"]),
        (
            ["318=61", "317=60", "319=50"],
            ["charge_over_current_cutoff 61 A would be above discharge_over_current_cutoff 60 A"],
        ),
        (["switch_diagnostics_disabled", "0"], []),
    ],
    ids=["up", "down", "cold", "current", "nothing"],
)
def test_what_loosens_a_protection_is_told(real: BmsLine, settings: list[str], attention: list[str]) -> None:
    real.bms.registers[317], real.bms.registers[318] = 120, 100
    result = bms("write", real.link, *settings, YES)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [f"warning: {sentence}" for sentence in attention]


def test_what_turned_out_to_loosen_a_protection_after_the_user_was_asked_is_not_written(real: BmsLine) -> None:
    """Asked about 4.2 -> 4.19 V; meanwhile the cutoff is 4.18 V."""
    keyboard, terminal = pty.openpty()
    with tapped(real.link) as tap:
        process = start("write", tap.port, "315", "4.19", stdin=terminal)
        os.close(terminal)
        assert process.stdout is not None
        assert process.stdout.readline() == "over_voltage_cutoff: 4.200 V -> 4.190 V\n"
        real.bms.registers[315] = 4180
        os.write(keyboard, b"y\n")
        _, errors = process.communicate(timeout=20)
        os.close(keyboard)
        assert process.returncode == 2
        assert "over_voltage_cutoff 4.180 V -> 4.190 V loosens a protection" in errors
        assert set(tap.commands()) == {READ}


LFP = {"over_voltage_cutoff": 3650, "fully_charged_voltage": 3450, "under_voltage_cutoff": 2800, "301": 2950}
NMC = {"under_voltage_cutoff": 3000, "301": 3200, "300": 4150, "over_voltage_cutoff": 4200}
VOLTAGES = (300, 301, 315, 316)


def assignments(profile: dict[str, int]) -> list[str]:
    return [f"{name}={raw / 1000}" for name, raw in profile.items()]


def voltages(line: BmsLine) -> tuple[int, ...]:
    return tuple(line.bms.registers[address] for address in VOLTAGES)


def contradicts(held: tuple[int, ...]) -> bool:
    full, empty, over, under = held
    return not under < empty < full <= over


def write_and_watch(line: BmsLine, settings: list[str]) -> list[tuple[int, ...]]:
    """The voltages that the BMS held at each request, each once."""
    held = []

    def look(chunk: bytes) -> bytes:
        held.append(voltages(line))
        return chunk

    with tapped(line.link, request=look) as tap:
        result = bms("write", tap.port, *settings, YES)
    assert result.exit_code == 0, result.output
    return list(dict.fromkeys(held))


@pytest.mark.parametrize("step", [1, -1], ids=["as listed", "backwards"])
def test_a_profile_goes_from_one_chemistry_to_the_other_and_back_without_a_contradiction(
    real: BmsLine, step: int
) -> None:
    for profile, wanted in ((LFP, (3450, 2950, 3650, 2800)), (NMC, (4150, 3200, 4200, 3000))):
        held = write_and_watch(real, assignments(profile)[::step])
        assert not any(map(contradicts, held)), profile
        assert held[-1] == wanted, profile
        assert len(held) == 5, profile


def test_a_profile_is_shown_in_the_order_of_writing_and_what_is_there_already_is_left_out(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        result = bms("write", tap.port, "315=3.65", "300=3.45", "301=3.0", YES)
        assert [int.from_bytes(request[2:4], "big") for request in tap.requests if request[1] == WRITE] == [300, 315]
    assert result.stdout.splitlines() == [
        "fully_discharged_voltage: is already 3.000 V; nothing was written",
        "fully_charged_voltage: 4.150 V -> 3.450 V",
        "over_voltage_cutoff: 4.200 V -> 3.650 V",
        "fully_charged_voltage: written, reads back 3.450 V",
        "over_voltage_cutoff: written, reads back 3.650 V",
    ]


def test_a_profile_that_contradicts_itself_is_read_but_not_written(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        message = complaint(bms("write", tap.port, YES, *assignments(LFP | {"fully_charged_voltage": 3700})), 2)
        assert (
            "fully_charged_voltage 3.700 V would be above over_voltage_cutoff 3.650 V; nothing was written" in message
        )
        assert set(tap.commands()) == {READ}


def test_settings_that_hold_each_other_up_say_what_to_do(real: BmsLine) -> None:
    real.bms.registers[301], real.bms.registers[300], real.bms.registers[316] = 3500, 3200, 2000
    with tapped(real.link) as tap:
        message = complaint(bms("write", tap.port, YES, "301=3.3", "300=3.4"), 2)
        assert "move one of them further away first" in message
        assert set(tap.commands()) == {READ}
    assert bms("write", real.link, "301", "2.5", YES).exit_code == 0
    assert bms("write", real.link, "301=3.3", "300=3.4", YES).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["300=4.1", "fully_charged_voltage=4.0"], "fully_charged_voltage: is given twice"),
        (["300=4.1", "301"], "NAME=VALUE"),
        (["300"], "NAME=VALUE"),
        (["300", "4.1", "301"], "NAME=VALUE"),
        (["300=4.1", "301="], "'' is not a number"),
        (["300=4.1", "301=9"], "1.000..3.500 V"),
        (["300=4.1", "=9"], "register ''"),
    ],
    ids=" ".join,
)
def test_a_profile_that_makes_no_sense_sends_nothing(real: BmsLine, arguments: list[str], expected: str) -> None:
    with tapped(real.link) as tap:
        assert expected in complaint(bms("write", tap.port, YES, *arguments), 2)
        assert tap.sent == b""


def test_a_profile_that_is_cut_says_what_was_written_and_what_was_not() -> None:
    device = TinyBms({300: 4150, 301: 3000, 315: 4200, 316: 2900})
    dead: list[bytes] = []

    def answer(request: bytes) -> bytes:
        if dead or (request[1] == WRITE and request[2:4] == (315).to_bytes(2, "big")):
            dead.append(request)
            return b""
        return protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        result = bms("write", tap.port, "--timeout", "0.2", "--retries", "1", YES, *assignments(LFP))
        assert result.exit_code == 1
        assert result.stdout.splitlines()[-1] == "fully_charged_voltage: written, reads back 3.450 V"
        error = result.stderr.splitlines()[-1]
        assert "over_voltage_cutoff: sent, but it is not known whether it was written" in error
        assert "written before that: fully_charged_voltage; not written: under_voltage_cutoff, fully_disch" in error
    assert [device.registers[address] for address in VOLTAGES] == [3450, 3000, 4200, 2900]


def test_a_profile_of_which_the_bms_refuses_one_ends_there() -> None:
    device = TinyBms({300: 4150, 301: 3000, 315: 4200, 316: 2900})

    def answer(request: bytes) -> bytes:
        if request[1] == WRITE and request[2:4] == (300).to_bytes(2, "big"):
            return frames.frame(0x00, WRITE, 0x00)
        return protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        result = bms("write", tap.port, YES, *assignments(LFP))
        assert result.exit_code == 1
        assert "written before that: nothing; not written: over_voltage_cutoff" in result.stderr
        assert tap.commands().count(WRITE) == 1


def test_a_bms_that_does_not_tell_what_a_setting_is_judged_by_is_not_written() -> None:
    device = TinyBms({300: 4150, 301: 3000, 315: 4200, 316: 2900})

    def answer(request: bytes) -> bytes:
        reads_315 = request[1] == READ and int.from_bytes(request[2:4], "big") + request[5] > 315
        return frames.frame(0x00, READ, 0x00) if reads_315 else protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        assert "refuses to read" in complaint(bms("write", tap.port, "--timeout", "0.1", YES, "300", "4.1"), 1)
        assert set(tap.commands()) == {READ}


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
        assert "not known whether it was written" in complaint(result, 1)
        assert tap.commands().count(WRITE) == 1


def test_on_a_bad_line_a_setting_is_written_and_verified(tmp_path: Path, real_dump: Path) -> None:
    faults = ("corrupt=0.4", "noise=0.3", "broadcast=0.2")
    with make_line(tmp_path / "bms", dump=real_dump, faults=faults, seed=7) as line:
        for volts in ("4.10", "4.11", "4.12"):
            result = bms("write", line.link, "--timeout", "0.1", "--retries", "30", YES, "300", volts)
            assert result.exit_code == 0, result.output
            assert line.bms.registers[300] == round(float(volts) * 1000), volts


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
        assert "no effect shows" in message
        assert tap.commands().count(RESET) == 1
