"""The bench tests as their user runs them: what they say when something is missing, and when the gateway fails."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from xml.etree import ElementTree

import pytest

from project.bench_suite import complaint_of, suite
from support.fixtures.bench_options import BenchOptions, read_options
from support.peers.serial_pair import serial_pair
from tinybms_gateway.can.columns import Flag
from tinybms_gateway.can.reader import Capture

PROGRAM = "tinybms-web-gateway.elf"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build directory, as pytest-embedded reads it."""
    (tmp_path / "build/config").mkdir(parents=True)
    (tmp_path / "build/config/sdkconfig.json").write_text(
        json.dumps({"IDF_TARGET": "linux", "APP_BUILD_TYPE_ELF_ONLY": True})
    )
    return tmp_path / "build"


def with_program(build: Path, script: str) -> Path:
    """A shell script instead of the gateway."""
    (build / PROGRAM).write_text(f"#!/bin/sh\n{script}\n")
    (build / PROGRAM).chmod(0o755)
    return build


def test_a_target_that_there_is_not_is_said_in_one_line() -> None:
    assert complaint_of(suite("--target", "nonsense")).endswith("is none of linux, esp32, qemu")


def test_an_adapter_that_is_not_there_is_said_before_anything_is_flashed() -> None:
    ended = suite("--target", "esp32", "--port", "/dev/null", "--can", "socketcand:1", "--bms", "real")
    assert "CAN bus 'socketcand:1': " in complaint_of(ended)


def read(**options: str) -> BenchOptions:
    names = ("target", "port", "build_dir", "can", "bms", "bms_port", "bench_dir", "url", "token_file")
    config = SimpleNamespace(option=SimpleNamespace(**(dict.fromkeys(names) | options)))
    return read_options(cast(pytest.Config, config))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"target": "esp32"}, "name the port of the chip"),
        ({"target": "esp32", "port": "/dev/null", "can": "none"}, "what is on the UART"),
        ({"target": "esp32", "port": "/dev/null", "can": "none", "bms": "simulator"}, "--bms-port DEVICE"),
        ({"bms_port": "/dev/null", "bms": "real"}, "the port is the simulator's"),
        ({"target": "esp32", "port": "/dev/null", "can": "none", "bms_port": "/dev/nosuch"}, "/dev/nosuch: no such"),
        ({"target": "esp32", "port": "/dev/nosuch", "can": "none", "bms": "none"}, "--port /dev/nosuch: No such file"),
        ({"target": "esp32", "port": __file__, "can": "none", "bms": "none"}, "not a serial port"),
        ({"target": "qemu", "bms": "simulator"}, "--bms-port socket://HOST:PORT"),
        ({"target": "qemu", "bms_port": "socket://127.0.0.1"}, "socket://127.0.0.1: is not a serial line on TCP"),
        ({"target": "qemu", "bms_port": "rfc2217://127.0.0.1:5556"}, "give socket://HOST:PORT"),
        ({"target": "qemu", "bms_port": "/dev/nosuch"}, "/dev/nosuch: no such port"),
        ({"target": "qemu", "can": "socketcand:emulator"}, "'emulator' is not a port"),
        ({"target": "qemu", "can": "socketcann:vcan0"}, "unknown interface 'socketcann'"),
        ({"can": "slcan:/dev/nosuch"}, "two programs cannot share it"),
        ({"target": "qemu", "url": "192.168.1.20"}, "--url: give http://HOST[:PORT] or https://HOST[:PORT]"),
        ({"url": "http://192.168.1.20"}, "the native gateway that is tested has its own web interface"),
        ({"bms": "real"}, "the gateway's own serial port has to be in TINYBMS_UART"),
        ({"bms_port": "/dev/null"}, "the gateway's own serial port has to be in TINYBMS_UART"),
    ],
    ids=str,
)
def test_what_is_missing_or_makes_no_sense_is_said(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], complaint: str
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])  # it is added to
    for name in ("ESPPORT", "TINYBMS_UART", "TINYBMS_CAN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(pytest.UsageError, match=re.escape(complaint)):
        read(**options).check()


def test_a_missing_build_is_said_with_how_to_make_it(build: Path) -> None:
    ended = suite("-k", "boot_log", "--bench-dir", build, TINYBMS_BUILD_DIR=str(build))
    assert ended.returncode == 1
    assert f"{build} holds no program; it is built by: make build" in ended.stdout


def test_tests_that_the_bench_cannot_do_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    ended = suite("--target", "esp32", "--port", "/dev/null", "--can", "x:y", "--bms", "real", "--collect-only")
    assert ended.returncode == 0
    collected, _, left_out = ended.stdout.partition("not run: ")
    assert "test_the_frames_agree_with_one_another" in collected
    assert "test_faults.py" not in collected
    assert left_out.count("needs the simulated TinyBMS (--bms-port): a real one cannot be told what to do") == 5
    assert read(target="qemu").lacks({"can"}) == "needs a CAN adapter (--can)"
    assert read(target="qemu", can="socketcan:vcan0").lacks({"can", "bms"}).startswith("needs a TinyBMS (--bms real)")
    assert read(target="qemu", can="socketcan:vcan0", bms="real").lacks({"can", "bms"}) == ""
    assert read(can="none").lacks({"can", "bms"}) == "needs a CAN adapter (--can)"
    assert read().lacks({"can", "bms", "simulator", "web"}) == ""
    assert read(target="qemu").lacks({"web"}) == "needs the web interface of the gateway (--url)"
    assert read(target="qemu", url="http://192.168.1.20/").lacks({"web", "console"}) == ""
    monkeypatch.setenv("TINYBMS_TOKEN", "tbg_" + "0" * 64)
    assert read(target="qemu", url="http://192.168.1.20/").lacks({"web"}) == ""
    assert read(target="qemu", url="http://192.168.1.20/").lacks({"console"}).endswith("TINYBMS_TOKEN out")


def test_a_gateway_that_is_killed_in_the_middle_fails_the_test_at_once(build: Path, native_build: Path) -> None:
    program = native_build / PROGRAM
    script = f"trap exit TERM; trap 'kill -9 $!' EXIT; {program} & sleep 2; kill -9 $!; kill -9 $$"
    ended = suite("-k", "falls_silent", "--bench-dir", build, "--timeout", "30",
                  TINYBMS_BUILD_DIR=str(with_program(build, script)))  # fmt: skip
    assert ended.returncode == 1
    assert "the gateway is gone: it ended by itself with status -9; its last words: " in ended.stdout
    assert "Traceback" not in ended.stdout.partition("Captured")[0]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("Guru Meditation Error: Core  0 panic'ed", "the gateway has crashed: Guru Meditation Error"),
        ("E (9) energy: no partition", "E (9) energy: no partition"),
    ],
)
def test_a_crash_or_an_error_in_the_boot_log_fails(build: Path, native_build: Path, said: str, complaint: str) -> None:
    script = f'echo "{said}"; exec {native_build / PROGRAM}'
    ended = suite("-k", "boot_log", "--bench-dir", build, TINYBMS_BUILD_DIR=str(with_program(build, script)))
    assert ended.returncode == 1
    assert complaint in ended.stdout


def test_over_a_wire_with_the_simulator_behind_a_port_log_capture_and_report_are_kept(tmp_path: Path) -> None:
    """Two pseudo terminals play the wire between the adapter of the simulator and that of the gateway."""
    with serial_pair() as (gateway, simulator):
        ended = suite("-k", "the_bms_shows", "--bms-port", simulator, "--bench-dir", tmp_path / "kept",
                      TINYBMS_UART=gateway)  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    (case,) = ElementTree.parse(tmp_path / "kept/junit.xml").iter("testcase")
    kept = tmp_path / "kept" / str(case.get("name"))
    log = (kept / "dut.log").read_text()
    assert f"{gateway}: open" in log
    assert "PGN publication started" in log
    (block,) = Capture(kept / "capture.log")
    sent = block.flags & Flag.SENT != 0
    assert set(block.id[sent]) == {0x305, 0x307}
    assert {0x351, 0x355, 0x356, 0x35A} <= set(block.id[~sent])
