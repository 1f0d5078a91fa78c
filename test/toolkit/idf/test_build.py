"""tinybms-gw idf build: what idf.py is called with, its output live and in build.log, its end."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from toolkit.idf.idf_world import World

MAKES_BUILD = "build.mkdir(exist_ok=True); (build / 'CMakeCache.txt').touch(); "
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def log_of(world: World) -> list[str]:
    return (world.build / "build.log").read_text().splitlines()


@pytest.mark.parametrize(
    ("extra", "passed"),
    [
        ([], ["build"]),
        (["-DX=1"], ["-DX=1", "build"]),
        (["--", "-DX=1"], ["-DX=1", "build"]),
        # p, b, B, C and h are short options of idf.py or of our commands, but not inside of these.
        (["-DphbBC=1", "-D", "Y=2", "-v"], ["-DphbBC=1", "-D", "Y=2", "-v", "build"]),
        (["-G", "Unix Makefiles", "--ccache"], ["-G", "Unix Makefiles", "--ccache", "build"]),
        (["--define-cache-entry=Z=3", "--no-hints"], ["--define-cache-entry=Z=3", "--no-hints", "build"]),
        (["bootloader", "--unheard-of", "5"], ["build", "bootloader", "--unheard-of", "5"]),
        (["-D"], ["-D", "build"]),
    ],
)
def test_unknown_options_go_to_idf_py(world: World, extra: list[str], passed: list[str]) -> None:
    assert world.run("build", *extra).exit_code == 0
    assert world.argv() == passed


@pytest.mark.parametrize("option", ["-B", "--build-dir"])
def test_the_build_directory_may_be_another(world: World, tmp_path: Path, option: str) -> None:
    world.build = tmp_path / "other"
    world.run("build", option, "../other", do=MAKES_BUILD)
    assert world.argv() == ["build"]
    assert (world.build / "build.log").is_file()


def test_the_log_has_all_output_and_says_with_what_it_was_built(world: World) -> None:
    do = MAKES_BUILD + (
        "print('\\x1b[1;32mcompiling\\x1b[0m'); print(); print('[1/2] a.c\\r[2/2] b.c');"
        "print('warning: \\N{GREEK SMALL LETTER MU}', file=sys.stderr); print('no end', end='')"
    )
    result = world.run("build", "-v", do=do, PYTHONIOENCODING="utf-8")
    assert result.exit_code == 0
    assert result.stdout == "\x1b[1;32mcompiling\x1b[0m\n\n[1/2] a.c\r[2/2] b.c\nno end"
    assert "warning: μ\n" in result.stderr
    log = log_of(world)
    assert re.fullmatch(rf"# .*/bin/python {world.esp_idf}/tools/idf\.py -C .* -v build", log[0])
    assert re.fullmatch(rf"# started {STAMP} in {world.project}", log[1])
    assert log[2] == f"# ESP-IDF v5.5.5 in {world.esp_idf}"
    assert log[3] == "# compiler xtensa-esp-elf-gcc (crosstool-NG esp-14.2.0_20260121) 14.2.0"
    assert log[4] == "# project 1.2.3, commit unknown"
    assert re.fullmatch(rf"# ended {STAMP}: exit status 0", log[-1])
    body = log[5:-1]
    assert sorted(body) == sorted(["compiling", "", "[1/2] a.c", "[2/2] b.c", "no end", "warning: μ"])


def test_the_log_is_of_the_last_build_alone(world: World) -> None:
    world.run("build", do=MAKES_BUILD + "print('first')")
    world.run("build", do="print('second')")
    assert "second" in log_of(world) and "first" not in log_of(world)
    assert sorted(path.name for path in world.build.iterdir()) == ["CMakeCache.txt", "build.log"]


def test_the_build_directory_is_left_to_cmake(world: World) -> None:
    """With anything in it that CMake has not made, idf.py refuses to set a target or to clean."""
    do = "assert not build.exists(); " + MAKES_BUILD + "assert [p.name for p in build.iterdir()] == ['CMakeCache.txt']"
    assert world.run("build", do=do).exit_code == 0


@pytest.mark.parametrize("empty", [False, True])
def test_a_build_that_makes_no_build_directory_gets_none(world: World, empty: bool) -> None:
    if empty:
        world.build.mkdir()
    result = world.run("build", do="print('broken'); sys.exit(2)")
    assert result.exit_code == 1
    assert "broken" in result.stdout
    assert not world.build.exists() if not empty else list(world.build.iterdir()) == []


@pytest.mark.parametrize("status", [1, 2, 255])
def test_a_failed_build_ends_with_1(world: World, status: int) -> None:
    world.configured()
    result = world.run("build", do=f"print('error: no', file=sys.stderr); sys.exit({status})")
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines()[-1] == f"Error: the build failed (exit status {status})"
    assert log_of(world)[-2:][0] == "error: no"
    assert log_of(world)[-1].endswith(f"exit status {status}")


def test_idf_py_that_is_killed_is_a_failed_build(world: World) -> None:
    result = world.run("build", do="os.kill(os.getpid(), 9)")
    assert result.exit_code == 1
    assert "the build failed (signal 9)" in result.stderr


def test_a_log_that_cannot_be_written_is_one_line(world: World) -> None:
    world.configured()
    (world.build / "build.log").mkdir()
    result = world.run("build")
    assert result.exit_code == 2
    assert "build.log" in result.stderr and "Traceback" not in result.stderr


def test_output_comes_live_through_pipes(world: World) -> None:
    process = world.start("build", do="print('begun'); time = __import__('time'); time.sleep(60)")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def ended(pid: int) -> bool:
    """Whether a process ends; what was killed may take a moment, and be a zombie until init has seen it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


FAMILY = (
    MAKES_BUILD
    + """
import signal, subprocess, time
child = subprocess.Popen(['sleep', '60'])
def end(number, frame):
    os.write(1, b'interrupted\\n')
    sys.exit(2)
signal.signal(signal.SIGINT, {handler})
print(child.pid, flush=True)
time.sleep(60)
"""
)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_end_everything_and_keep_the_log(world: World, number: int, status: int) -> None:
    process = world.start("build", do=FAMILY.format(handler="end"))
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert ended(grandchild) and ended(world.only_call()["pid"])
    assert log_of(world)[-1].endswith("interrupted")
    if number == signal.SIGINT:
        assert out == "interrupted\n"
        assert "interrupted" in log_of(world)


def test_a_reader_of_the_output_that_leaves_ends_the_build(world: World) -> None:
    process = world.start("build", do="\nwhile True: print('x' * 1000)")
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    process.wait(timeout=60)
    assert process.returncode == 141
    assert ended(world.only_call()["pid"])
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_on_a_terminal_idf_py_has_one_too(world: World) -> None:
    do = MAKES_BUILD + "print('\\x1b[32m%d columns\\x1b[0m' % os.get_terminal_size().columns)"
    first, *rest = world.command("build")
    terminal = pexpect.spawn(
        first,
        rest,
        cwd=str(world.project),
        env={**world.environment, "FAKE_IDF_DO": do},
        dimensions=(30, 133),
        timeout=30,
    )
    terminal.expect_exact(b"\x1b[32m133 columns\x1b[0m")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert world.only_call()["terminal"] == [False, True, True]
    assert "133 columns" in log_of(world)


def test_ctrl_c_on_a_terminal(world: World) -> None:
    first, *rest = world.command("build")
    environment = {**world.environment, "FAKE_IDF_DO": FAMILY.format(handler="end")}
    terminal = pexpect.spawn(first, rest, cwd=str(world.project), env=environment, timeout=60)
    terminal.expect(rb"(\d+)\r")
    grandchild = int(terminal.match[1])
    terminal.sendintr()
    terminal.expect_exact(b"interrupted")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert ended(grandchild)


def test_a_child_that_has_ended_but_left_one_with_its_output_does_not_hold_us_up(world: World) -> None:
    do = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    began = time.monotonic()
    result = world.run("build", do=do)
    os.kill(int(result.stdout), signal.SIGKILL)
    assert result.exit_code == 0
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("real", [False] if not os.environ.get("IDF_PATH") else [False, True])
def test_the_version_is_told(world: World, real: bool) -> None:
    """By the idf.py of IDF_PATH as well, where there is one."""
    environment = dict(os.environ) if real else world.environment
    environment["FAKE_IDF_DO"] = "print('ESP-IDF v5.5.5')"
    program = Path(sys.executable).with_name("tinybms-gw")
    said = subprocess.run(
        [program, "idf", "build", "--project-dir", world.project, "--version"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert re.search(r"ESP-IDF v\d+\.\d+", said.stdout)
