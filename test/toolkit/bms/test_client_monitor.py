"""`bms monitor`: on a terminal, in a pipe and to a file."""

import csv
import os
import pty
import signal
import time
from pathlib import Path

import pytest

from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from toolkit.bms.client_world import bms, complaint, start

HEADER = [
    "time", "pack_voltage_v", "pack_current_a", "state_of_charge_percent", "temperature_internal_degc",
    "temperature_external_1_degc", "temperature_external_2_degc", "cell_lowest_v", "cell_highest_v",
    "cell_difference_mv", "status", "balancing", *(f"cell_register_{i}_v" for i in range(16)),
]  # fmt: skip
REAL_ROW = [
    "55.780", "0.000", "83.554824", "9.7", "", "", "3.9800", "3.9900", "10.0", "idle", "",
    "", "", "3.9800", "3.9810", "3.9820", "3.9830", "3.9830", "3.9840",
    "3.9890", "3.9900", "3.9830", "3.9830", "3.9830", "3.9840", "3.9880", "3.9880",
]  # fmt: skip


def until(seen: bytearray, terminal: int, wanted: bytes) -> None:
    deadline = time.monotonic() + 20
    while wanted not in seen:
        assert time.monotonic() < deadline, bytes(seen)
        seen += os.read(terminal, 4096)


def test_plain_lines_where_there_is_no_terminal(tmp_path: Path, real_dump: Path) -> None:
    with make_line(tmp_path / "bms", dump=real_dump) as line:
        line.bms.registers[52] = 0b1000_0000_0000_0100
        result = bms("monitor", line.link, "--count", "2", "--interval", "0.1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    for part in (
        "55.780 V", "0.000 A", "SOC 83.554824 %", "cells 3.9800..3.9900 V, delta 10.0 mV",
        "temperatures 9.7 degC/unknown/unknown", "idle", "balancing 2, 15",
    ):  # fmt: skip
        assert part in lines[0]


def test_the_file_holds_a_row_for_each_measurement_and_what_is_unknown_is_empty(
    tmp_path: Path, real_dump: Path
) -> None:
    path = tmp_path / "night.csv"
    with make_line(tmp_path / "bms", dump=real_dump) as line:
        assert bms("monitor", line.link, "--count", "3", "--interval", "0.1", "--csv", path).exit_code == 0
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == HEADER
    assert [row[1:] for row in rows[1:]] == [REAL_ROW] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_rows_are_in_the_file_as_they_come_and_the_end_is_a_good_one(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "night.csv"
    with BmsLine(tmp_path / "bms") as line:
        process = start("monitor", line.link, "--interval", "0.1", "--csv", path)
        deadline = time.monotonic() + 20
        while not path.exists() or len(path.read_text().splitlines()) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    with path.open(newline="") as file:
        assert {len(row) for row in csv.reader(file)} == {len(HEADER)}


@pytest.mark.parametrize("no_color", [False, True])
def test_a_live_table_on_a_terminal_without_colours_where_none_are_wanted(tmp_path: Path, no_color: bool) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm", "COLUMNS": "100"}
    terminal, slave = pty.openpty()
    with BmsLine(tmp_path / "bms") as line:
        process = start("monitor", line.link, "--interval", "0.2", stdout=slave,
                        env=environment | ({"NO_COLOR": "1"} if no_color else {}))  # fmt: skip
        os.close(slave)
        seen = bytearray()
        until(seen, terminal, b"15: ")
        until(seen, terminal, b"\x1b[1A")  # up again, to draw over it
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 20
        while process.poll() is None:
            assert time.monotonic() < deadline
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
        _, errors = process.communicate(timeout=20)
    os.close(terminal)
    assert (process.returncode, errors) == (0, "")
    for label in (b"pack voltage", b"state of charge", b"balancing", b"84.5"):
        assert label in seen
    assert (b"\x1b[1;31m" in seen) != no_color


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("precious")
    with BmsLine(tmp_path / "bms") as line:
        assert "File exists" in complaint(bms("monitor", line.link, "--csv", path), 2)
        assert "No such file" in complaint(bms("monitor", line.link, "--csv", tmp_path / "no/such.csv"), 2)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("arguments", [("--count", "0"), ("--interval", "0"), ("--interval", "nan"), ("--count", "x")])
def test_options_that_make_no_sense(tmp_path: Path, arguments: tuple[str, str]) -> None:
    result = bms("monitor", tmp_path / "none", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_pace_is_kept_whatever_the_line_does(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line:
        start_s = time.monotonic()
        assert bms("monitor", line.link, "--count", "6", "--interval", "0.2").exit_code == 0
        assert time.monotonic() - start_s >= 1.0
