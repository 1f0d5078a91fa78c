"""tinybms-gw idf monitor: idf.py's monitor on a terminal of its own, and the log with time stamps."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybms_gateway.idf import child
from tinybms_gateway.idf.lines import LONGEST, Lines
from tinybms_gateway.idf.stamped_log import StampedLog
from toolkit.idf.idf_world import World

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
# As esp-idf-monitor: refuses to run without a terminal, takes each key, ends by Ctrl-], does not end by SIGINT.
MONITOR = r"""
import signal, tty, select
if not sys.stdin.isatty():
    sys.exit('Error: Monitor requires standard input to be attached to TTY.')
signal.signal(signal.SIGINT, signal.SIG_IGN)
tty.setraw(0)
print('--- Quit: Ctrl+]\r', flush=True)
sys.stdout.buffer.write(b'\x1b[0;32mI (100) can_victron: keepalive OK\x1b[0m\r\n\r\nW (200) \xff\x00\r\n')
sys.stdout.flush()
while True:
    key = os.read(0, 1)
    if key == b'\x1d' or not key:
        break
    print('key %d\r' % key[0], flush=True)
print('Done\r', flush=True)
"""
PORT = "socket://127.0.0.1:1"


def log_of(world: World, name: str = "monitor.log") -> list[str]:
    return (world.project / name).read_text().splitlines()


def test_without_a_terminal_it_runs_for_so_long_and_logs_each_line_with_its_time(world: World) -> None:
    before = time.time()
    result = world.run("monitor", "--port", PORT, "--seconds", "3", do=MONITOR)
    assert result.exit_code == 0, result.output
    assert result.stdout == "--- Quit: Ctrl+]\nI (100) can_victron: keepalive OK\n\nW (200) \ufffd\n"
    assert world.argv() == ["-p", PORT, "monitor"]
    log = log_of(world)
    assert re.fullmatch(rf"# monitor of {PORT}, {STAMP}", log[0])
    assert log[1].startswith("# ESP-IDF v5.5.5; this tree: 1.2.3, commit")
    texts = ["--- Quit: Ctrl+]", "I (100) can_victron: keepalive OK", "", "W (200) \ufffd", "Done"]
    for line, text in zip(log[2:-1], texts, strict=True):
        assert re.fullmatch(STAMP + (" " + re.escape(text) if text else ""), line)
    assert re.fullmatch(rf"# ended {STAMP}", log[-1])
    stamps = [line[:24] for line in log[2:-1]]
    assert stamps == sorted(stamps)
    assert stamps[0][:10] == time.strftime("%Y-%m-%d", time.gmtime(before))


def test_sessions_are_added_to_the_log(world: World) -> None:
    for _ in range(2):
        world.run("monitor", "--port", PORT, "--log", "site.log", do="print('boot')")
    log = log_of(world, "site.log")
    assert [line for line in log if line.startswith("# monitor of")] == [log[0], log[4]]
    assert [line[25:] for line in log if line.endswith("boot")] == ["boot", "boot"]
    assert not (world.project / "monitor.log").exists()


@pytest.mark.parametrize(
    ("options", "behind"),
    [
        (["--baud", "115200"], ["--monitor-baud", "115200"]),
        (["-b", "9600", "--no-reset"], ["--no-reset", "--monitor-baud", "9600"]),
        (["--print-filter", "*:W", "--timestamps"], ["--print-filter", "*:W", "--timestamps"]),
    ],
)
def test_options(world: World, options: list[str], behind: list[str]) -> None:
    world.run("monitor", "--port", PORT, *options)
    assert world.argv() == ["-p", PORT, "monitor", *behind]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(world: World, number: signal.Signals) -> None:
    process = world.start("monitor", "--port", PORT, do=MONITOR)
    assert process.stdout is not None
    assert any(line.startswith("W (200)") for line in iter(process.stdout.readline, ""))
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [line[25:] for line in log_of(world)[-2:-1]] == ["Done"]  # told by its key, before any signal
    with pytest.raises(ProcessLookupError):
        os.kill(world.only_call()["pid"], 0)


def test_one_that_does_not_heed_the_key_is_ended_nonetheless(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = ((signal.SIGINT, 2.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    monkeypatch.setattr(child, "END_WITHIN_S", patience)
    stubborn = MONITOR.replace(r"key == b'\x1d' or not key", "False")
    assert world.run("monitor", "--port", PORT, "--seconds", "0.1", do=stubborn).exit_code == 0
    with pytest.raises(ProcessLookupError):
        os.kill(world.only_call()["pid"], 0)
    assert any("key 29" in line for line in log_of(world))


@pytest.mark.parametrize("status", [1, 2, 77])
def test_a_monitor_that_fails_ends_with_1(world: World, status: int) -> None:
    result = world.run("monitor", "--port", PORT, do=f"print('could not open port'); sys.exit({status})")
    assert result.exit_code == 1
    assert f"the monitor failed (exit status {status})" in result.stderr
    assert any("could not open port" in line for line in log_of(world))


def test_a_log_that_cannot_be_written_is_one_line_before_anything_runs(world: World) -> None:
    result = world.run("monitor", "--port", PORT, "--log", "/nowhere/monitor.log")
    assert result.exit_code == 2
    assert "/nowhere/monitor.log" in result.stderr
    assert world.calls() == []


@pytest.fixture
def terminal(world: World) -> Iterator[pexpect.spawn]:
    first, *rest = world.command("monitor", "--port", PORT)
    environment = {**world.environment, "FAKE_IDF_DO": MONITOR}
    spawned = pexpect.spawn(first, rest, cwd=str(world.project), env=environment, timeout=60)
    yield spawned
    spawned.close(force=True)


def test_on_a_terminal_all_keys_are_the_monitors_and_its_colours_stay(world: World, terminal: pexpect.spawn) -> None:
    terminal.expect_exact(b"\x1b[0;32mI (100) can_victron: keepalive OK\x1b[0m")
    for key in (b"\x03", b"\x14", b"x", b"\x1a"):  # Ctrl-C, Ctrl-T, x, Ctrl-Z
        terminal.send(key)
        terminal.expect_exact(b"key %d" % key[0])
    terminal.send(b"\x1d")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert [line[25:] for line in log_of(world)[-2:-1]] == ["Done"]
    assert not any("\x1b" in line for line in log_of(world))


def test_the_terminal_is_as_before_when_the_monitor_ends(world: World) -> None:
    """A shell runs it, and still has echo and line editing afterwards."""
    shell = pexpect.spawn("sh", cwd=str(world.project), env={**world.environment, "PS1": "> ", "FAKE_IDF_DO": MONITOR})
    shell.timeout = 60
    shell.sendline("stty -a > before; " + " ".join(world.command("monitor", "--port", PORT)) + "; stty -a > after")
    shell.expect_exact(b"keepalive OK")
    shell.send(b"\x1d")
    shell.expect_exact(b"Done")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    shell.close()
    assert (world.project / "before").read_text() == (world.project / "after").read_text() != ""


def test_flash_then_monitor(world: World) -> None:
    do = "print(sys.argv[-1])"
    result = world.run("flash", "--port", PORT, "--baud", "460800", "--monitor", "--log", "m.log", do=do)
    assert result.exit_code == 0, result.output
    flash, monitor = world.calls()
    assert flash["argv"][4:] == ["-p", PORT, "flash"]
    assert monitor["argv"][4:] == ["-p", PORT, "monitor"]
    assert "ESPBAUD" in flash["environment"] and "ESPBAUD" not in monitor["environment"]
    assert any(line.endswith(" monitor") for line in log_of(world, "m.log"))


def test_no_monitor_after_flashing_that_failed(world: World) -> None:
    assert world.run("flash", "--port", PORT, "--monitor", do="sys.exit(2)").exit_code == 1
    assert len(world.calls()) == 1


def test_a_line_is_stamped_when_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "log"
    times = iter(f"t{number}" for number in range(100))
    with StampedLog(path, ["head"], lambda: next(times)) as log:
        log.feed(b"one\ntw")
        log.feed(b"o\nthree\n")
        log.feed(b"four")
    lines = path.read_text().splitlines()
    assert [line.split()[-1] for line in lines[:-1]] == ["head", "one", "two", "three", "four"]
    stamps = [int(line[1 : line.index(" ")]) for line in lines[1:-1]]
    assert stamps == sorted(stamps) and len(set(stamps)) == 4


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_make_lines_of_printable_text_however_they_are_cut(chunks: list[bytes]) -> None:
    pieces, whole = Lines(), Lines()
    cut = [line for chunk in chunks for line in pieces.feed(chunk)] + pieces.rest()
    assert cut == whole.feed(b"".join(chunks)) + whole.rest()
    assert not any(ord(letter) < 32 and letter != "\t" for line in cut for letter in line)


def test_garbage_without_a_line_end_does_not_pile_up() -> None:
    lines = Lines()
    for _ in range(100):
        lines.feed(b"\xaa" * 4096)
        assert len(lines._rest) <= LONGEST
