"""Settings of the native program: saved with ``--set``, used from then on."""

import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from support.instruments.watch import has_id, limits, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_process import PROGRAM, GatewayProcess
from tinybms_gateway.sim.bms.simulator import make_line

PHRASE = "correct horse battery"


@pytest.fixture
def program(native_build: Path) -> Path:
    return native_build / PROGRAM


def run(program: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)


def listed(program: Path, *arguments: str | Path) -> dict[str, str]:
    """What ``--settings`` prints: key -> value."""
    ended = run(program, *arguments, "--settings")
    assert ended.returncode == 0, ended.stderr
    rows = [line.split("\t") for line in ended.stdout.splitlines()[1:]]
    return {row[0]: row[1] for row in rows}


def test_a_saved_setting_is_there_after_a_restart(program: Path, tmp_path: Path) -> None:
    before = listed(program, "--data", tmp_path)
    assert before["uart.poll_ms"] == "200"
    after = listed(program, "--data", tmp_path, "--set", "uart.poll_ms=750", "--set", "id.family=LV")
    assert after == before | {"uart.poll_ms": "750", "id.family": "LV"}
    assert listed(program, "--data", tmp_path) == after


def test_names_that_were_saved_reach_the_gx(tmp_path: Path) -> None:
    with (
        make_line(tmp_path / "bms") as line,
        GatewayProcess(
            line.link,
            tmp_path / "data",
            *("--set", "id.manufacturer=House"),
            *("--set", "id.battery_name=House battery 1"),
        ) as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        assert bytes(wait_for(bus, has_id(0x35E), 5.0).data) == b"House\0\0\0"
        assert bytes(wait_for(bus, has_id(0x370), 7.0).data) == b"House ba"
        assert bytes(wait_for(bus, has_id(0x371), 7.0).data) == b"ttery 1\0"


def test_the_polling_period_that_was_saved_is_used(tmp_path: Path) -> None:
    with (
        make_line(tmp_path / "bms") as line,
        GatewayProcess(line.link, tmp_path / "data", "--set", "uart.poll_ms=2000") as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        wait_for(bus, has_id(0x351), 5.0)
        before = line.requests
        for _ in range(4):
            wait_for(bus, has_id(0x351), 2.0)
        assert 1 <= line.requests - before <= 10, "4 s at 200 ms would be 20 live blocks"


def test_limits_that_were_saved_are_what_the_gx_is_told(tmp_path: Path) -> None:
    """The BMS of 16 cells allows 3.55 V, 90 % of 100 A and of 120 A; the settings 3.37 V, 7 A and 11 A."""
    saved = ("charge.cell_mv=3370", "charge.max_a=7", "disch.max_a=11", "ramp.time_s=5")
    options = [part for assignment in saved for part in ("--set", assignment)]
    with (
        make_line(tmp_path / "bms") as line,
        GatewayProcess(line.link, tmp_path / "data", *options) as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        wait_for(bus, lambda message: message.arbitration_id == 0x351 and limits(message) == (539, 70, 110), 12.0)


def test_a_password_is_neither_shown_nor_logged(program: Path, tmp_path: Path) -> None:
    ended = run(program, "--data", tmp_path, "--set", f"wifi.sta_pass={PHRASE}", "--log-level", "verbose", "--settings")
    assert ended.returncode == 0
    assert "(hidden)" in ended.stdout
    assert PHRASE not in ended.stdout + ended.stderr
    refused = run(program, "--data", tmp_path, "--set", f"wifi.sta_pass={PHRASE * 4}")
    assert refused.returncode == 2
    assert PHRASE not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("assignments", "complaint"),
    [
        (["uart.poll_ms=99"], "the allowed range is 100..2000 ms"),
        (["uart.poll_ms=1e3"], "must be a whole number"),
        (["uart.poll_ms=99999999999999999999"], "must be a whole number"),
        (["uart.poll_ms="], "must be a whole number"),
        (["can.bitrate=333333"], "in steps of 250000"),
        (["charge.cell_mv=3"], "the allowed range is 2500..4500 mV, or 0 = from the BMS"),
        (["cvl.margin_mv=0"], "the allowed range is 10..200 mV"),
        (["charge.max_a=-1"], "the allowed range is 1..750 A"),
        (["charge.cell_mv=3400", "float.cell_mv=3401"], "float.cell_mv: must be at most charge.cell_mv"),
        (["temp.stop_k=10", "temp.hot_k=10"], "temp.stop_k: must be less than temp.hot_k"),
        (["id.manufacturer=BYD"], "another maker"),
        (["id.battery_name=Not the maker"], "must begin with the manufacturer"),
        (["id.family=" + "x" * 9], "0..8 characters"),
        (["id.family=" + "x" * 90], "0..8 characters"),
        (["id.family=caf\u00e9"], "printable ASCII"),
        (["wifi.ap_pass=1234567"], "8..63 characters, or none"),
        (["net.device=-garage"], "no hyphen at either end"),
        (["mqtt.url=mqtt://me:" + "secret@broker"], "without user and password"),
        (["mqtt.url=mqtt://" + "x" * 250], "0..255 characters"),
        (["mqtt.ca=a certificate"], "-----BEGIN CERTIFICATE-----"),
        (["mqtt.ca=@/no/such/file"], "No such file"),
        (["mqtt.ca=@/dev/null", "uart.poll_ms=5"], "the allowed range is 100..2000 ms"),
        (["mqtt.ca=@/dev/zero"], "not a text"),
        (["no.such=1"], "--settings lists all"),
        (["uart.poll_ms"], "KEY=VALUE"),
        (["=1"], "unknown setting"),
        (["id.family=LV", "uart.poll_ms=5"], "the allowed range is 100..2000 ms"),
    ],
)
def test_what_a_setting_may_not_be_is_one_line_and_saves_nothing(
    program: Path, tmp_path: Path, assignments: list[str], complaint: str
) -> None:
    options = [part for assignment in assignments for part in ("--set", assignment)]
    ended = run(program, "--data", tmp_path, *options)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert listed(program, "--data", tmp_path) == listed(program)


def certificate(length: int) -> str:
    """No real one, but of any length."""
    return "-----BEGIN CERTIFICATE-----\n".ljust(length - 1, "x") + "\n"


def test_a_long_text_comes_from_a_file_and_goes_again(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    for length in (4096, 100):
        file.write_text(certificate(length))
        after = listed(program, "--data", tmp_path, "--set", f"mqtt.ca=@{file}", "--set", "mqtt.url=mqtts://broker")
        assert (after["mqtt.ca"], after["mqtt.url"]) == (f"{length} characters", "mqtts://broker")
        assert listed(program, "--data", tmp_path) == after
    assert listed(program, "--data", tmp_path, "--set", "mqtt.ca=")["mqtt.ca"] == "0 characters"


def test_a_file_that_is_too_long_is_refused(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(certificate(4097))
    ended = run(program, "--data", tmp_path, "--set", f"mqtt.ca=@{file}")
    assert ended.returncode == 2
    assert "0..4096 characters" in ended.stderr


def test_each_setting_is_listed_in_its_group_with_when_a_change_applies(program: Path) -> None:
    lines = [line.split("\t") for line in run(program, "--settings").stdout.splitlines()]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    groups = [name for name, _ in groupby(row["group"] for row in rows)]
    assert len(groups) == len(set(groups)), "the settings of a group stand together"
    applies = {row["key"]: row["applies"] for row in rows}
    assert applies["charge.max_a"] == "live"
    assert applies["can.bitrate"] == "service"
    assert applies["wifi.sta_ssid"] == "restart"


def test_a_setting_without_a_place_to_keep_it_is_refused(program: Path) -> None:
    ended = run(program, "--set", "uart.poll_ms=100")
    assert ended.returncode == 2
    assert "needs --data" in ended.stderr


def test_erased_sectors_are_told_for_each_partition(tmp_path: Path) -> None:
    options = (tmp_path, "--time-scale", "30", "--set", "charge.max_a=20")
    with GatewayProcess(None, *options) as gateway:
        wait_until(
            lambda: any("erased since start: limits 1;" in line for line in list(gateway.lines)),
            70 / 30 + 10,
            lambda: f"not told: {list(gateway.lines)[-5:]}",
        )
