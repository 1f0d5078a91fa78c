"""The simulated TinyBMS on its pseudo terminal, as a serial program sees it."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.control import control_socket, send_command
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

TEMPERATURES = protocol.frame(0x1B)
LIVE = protocol.frame(0x03, b"\0\0\0\x38")
LIVE_LENGTH = 5 + 2 * 56
REFUSED = (
    {"current": 1e308},
    {"spread": 1e308},
    {"spread": -1.0},
    {"event": 300.0},
    {"fault": 0.5},
    {"voltage": 60.0},
    {"internal": -3276.8},
    {"reg.36": 1.0},
    {"reg.53": 14.0},
    {"status": 0x91},
    {"lifetime": -1.0},
    {"force.36": 70000.0},
    {"free.36": 0.0},
)
NONSENSE = (
    b"\n",
    b"{}}\n",
    b'{"set": 1}\n',
    b"\xff\xfe\n",
    b'{"set": {"soc": 1e999}}\n',
    b'{"set": {"current": NaN}}\n',
)


@contextmanager
def opened(line: BmsLine) -> Iterator[serial.Serial]:
    with line, serial.Serial(str(line.link), 115200, timeout=0.5) as port:
        yield port


def ask(port: serial.Serial, request: bytes, length: int) -> bytes:
    port.write(request)
    return bytes(port.read(length))


def test_a_request_is_answered_not_faster_than_the_wire_carries_it(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms")) as port:
        start = time.monotonic()
        assert ask(port, LIVE, LIVE_LENGTH)[:3] == b"\xaa\x03\x70"
        assert time.monotonic() - start >= LIVE_LENGTH * 10 / 115200


def test_a_sleeping_bms_swallows_the_first_request(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms", asleep=True)) as port:
        assert ask(port, TEMPERATURES, 11) == b""
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_it_falls_asleep_after_ten_seconds_without_a_request(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms", time_scale=20.0)) as port:
        assert len(ask(port, TEMPERATURES, 11)) == 11
        time.sleep(11.0 / 20.0)
        port.timeout = 0.1  # 2 s of its time
        assert ask(port, TEMPERATURES, 11) == b""
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_a_request_in_pieces_and_behind_noise_is_answered(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms")) as port:
        port.write(b"\x00noise" + TEMPERATURES[:2])
        time.sleep(0.02)
        assert len(ask(port, TEMPERATURES[2:], 11)) == 11


def test_a_request_that_stops_half_way_does_not_spoil_the_next(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms")) as port:
        port.write(LIVE[:4])
        time.sleep(0.2)
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_silence_and_its_end(tmp_path: Path) -> None:
    line = make_line(tmp_path / "bms", faults=("silence",))
    with opened(line) as port:
        assert ask(port, TEMPERATURES, 11) == b""
        line.faults.set("silence", 0)
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_half_of_the_answers_are_damaged_and_a_seed_repeats_them(tmp_path: Path) -> None:
    good = []
    for i in range(2):
        with opened(make_line(tmp_path / f"bms{i}", faults=("corrupt=0.5",), seed=5)) as port:
            port.timeout = 0.2
            answers = [ask(port, TEMPERATURES, 11) for _ in range(60)]
        good.append([len(a) == 11 and protocol.crc(a[:-2]) == a[-2:] for a in answers])
    assert good[0] == good[1]
    assert 15 <= sum(good[0]) <= 45


def test_register_342_makes_it_send_ascii_lines(tmp_path: Path) -> None:
    bms = TinyBms()
    with opened(BmsLine(tmp_path / "bms", bms)) as port:
        ask(port, protocol.frame(0x0D, b"\x08\x56\x01\x02\x00\x57\x01\x01\x00"), 5)  # 342 = 0.2 s, 343 = ASCII
        line = port.readline()
        assert line.endswith(b"\r\n")
        assert line.count(b"\t") == 4


def test_slow_answers_come_late_but_whole(tmp_path: Path) -> None:
    with opened(make_line(tmp_path / "bms", faults=("slow=200",))) as port:
        start = time.monotonic()
        assert len(ask(port, TEMPERATURES, 11)) == 11
        assert time.monotonic() - start >= 0.2


def test_a_reset_keeps_it_silent_for_a_while(tmp_path: Path) -> None:
    with opened(BmsLine(tmp_path / "bms", time_scale=5.0)) as port:
        assert len(ask(port, protocol.frame(0x02, b"\x05"), 5)) == 5
        port.timeout = 0.1
        assert ask(port, TEMPERATURES, 11) == b""
        time.sleep(0.4)
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_the_link_is_taken_away_at_the_end_and_never_replaces_a_file(tmp_path: Path) -> None:
    link = tmp_path / "bms"
    with BmsLine(link):
        assert link.is_symlink()
    assert not link.is_symlink()
    link.write_text("precious")
    with pytest.raises(FileExistsError, match="a file exists there"):
        BmsLine(link).plug()
    assert link.read_text() == "precious"


def test_values_are_set_over_the_control_socket(tmp_path: Path) -> None:
    line, path = BmsLine(tmp_path / "bms"), tmp_path / "control"
    with line, control_socket(line, path):
        answer = send_command(path, {"soc": 42.0, "current": -10.0, "reg.300": 3500.0}, {"corrupt": 0.25})
        assert answer["ok"]
        assert answer["values"]["soc"] == pytest.approx(42.0, abs=0.01)
        assert line.bms.registers[300] == 3500
        assert line.faults.corrupt == 0.25
        assert "choose from soc" in send_command(path, {"volume": 11.0}, {})["error"]
        assert "0..1" in send_command(path, {}, {"corrupt": 2.0})["error"]
    assert not path.exists()


def test_a_register_is_forced_and_freed_over_the_control_socket(tmp_path: Path) -> None:
    line, path = BmsLine(tmp_path / "bms"), tmp_path / "control"
    highest = protocol.frame(0x16)
    with opened(line) as port, control_socket(line, path):
        shown = ask(port, highest, 6)
        assert send_command(path, {"force.41": 4500.0}, {})["ok"]
        time.sleep(0.3)
        assert ask(port, highest, 6)[2:4] == (4500).to_bytes(2, "little")
        assert send_command(path, {"free.41": 1.0}, {})["ok"]
        assert ask(port, highest, 6) == shown


@pytest.mark.parametrize("dump", [False, True], ids=["pack", "dump"])
def test_the_clock_of_a_device_goes_on_until_it_is_frozen(tmp_path: Path, real_dump: Path, dump: bool) -> None:
    line, path = make_line(tmp_path / "bms", dump=real_dump if dump else None, time_scale=10.0), tmp_path / "control"
    lifetime = protocol.frame(0x19)
    with opened(line) as port, control_socket(line, path):
        first = int.from_bytes(ask(port, lifetime, 8)[2:6], "little")
        time.sleep(0.5)
        later = int.from_bytes(ask(port, lifetime, 8)[2:6], "little")
        assert first + 4 <= later
        assert send_command(path, {}, {"frozen": 1.0})["ok"]
        stands = ask(port, lifetime, 8)
        time.sleep(0.3)
        assert ask(port, lifetime, 8) == stands
        assert send_command(path, {}, {"frozen": 0.0})["ok"]
        time.sleep(0.3)
        assert ask(port, lifetime, 8) != stands


def test_an_event_whose_answer_was_lost_is_told_all_the_same(tmp_path: Path) -> None:
    line = make_line(tmp_path / "bms", faults=("tell_once", "silence"))
    newest = protocol.frame(0x11)
    with opened(line) as port:
        assert ask(port, newest, 13) == b""
        line.faults.set("silence", 0)
        assert ask(port, newest, 9)[2] == 4, "the start of the BMS is not told again"
        with line.lock:
            line.bms.log_event(0x64)
        assert ask(port, newest, 13)[2] == 8
        assert ask(port, newest, 9)[2] == 4


def test_the_control_socket_survives_nonsense(tmp_path: Path) -> None:
    line, path = BmsLine(tmp_path / "bms"), tmp_path / "control"
    with line, control_socket(line, path):
        for nonsense in NONSENSE:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(path))
                connection.sendall(nonsense)
                assert b'"ok": false' in connection.makefile("rb").readline(), nonsense
        assert send_command(path, {}, {})["ok"]


@pytest.mark.parametrize(
    "values",
    REFUSED,
    ids=str,
)
def test_a_value_that_is_refused_changes_nothing_and_the_simulator_goes_on(
    tmp_path: Path, values: dict[str, float]
) -> None:
    line, path = BmsLine(tmp_path / "bms"), tmp_path / "control"
    with opened(line) as port, control_socket(line, path):
        before = (line.bms.read(0, 56), list(line.bms.events))
        answer = send_command(path, values, {})
        assert not answer["ok"]
        time.sleep(0.3)
        assert line.bms.read(0, 31) == before[0][:31]
        assert line.bms.events == before[1]
        assert line.alive
        assert len(ask(port, TEMPERATURES, 11)) == 11


def test_a_control_socket_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.write_text("precious")
    line = BmsLine(tmp_path / "bms")
    with pytest.raises(FileExistsError, match="a file exists there"), line, control_socket(line, path):
        pass
    assert path.read_text() == "precious"


def test_a_link_that_another_simulator_has_taken_over_is_left_to_it(tmp_path: Path) -> None:
    first, second = BmsLine(tmp_path / "bms"), BmsLine(tmp_path / "bms")
    with first, second:
        first.unplug()
        assert (tmp_path / "bms").is_symlink()


@pytest.mark.parametrize("scenario", [None, "day"])
def test_a_simulator_that_nobody_asks_leaves_the_processor_alone(tmp_path: Path, scenario: str | None) -> None:
    with make_line(tmp_path / "bms", scenario=scenario):
        before = time.process_time()
        time.sleep(1.0)
        assert time.process_time() - before < 0.3
