"""Options and files that make no sense: one line that says what and where, exit status 2."""

import socket
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tinybms_gateway.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert len(result.output.strip().splitlines()) == 1, result.output
    return result.output


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        ("", "Invalid JSON"),
        ("[]", "should be an object"),
        ("{}", "registers"),
        ('{"registers": {}}', "at least 1"),
        ('{"registers": {"0": 70000}}', "registers.0"),
        ('{"registers": {"65536": 1}}', "registers.65536"),
        ('{"registers": {"zero": 1}}', "registers.zero"),
        ('{"registers": {"0": "many"}}', "registers.0"),
        ('{"registers": {"0": 1}, "regs": {}}', "regs"),
    ],
)
def test_a_dump_that_makes_no_sense(tmp_path: Path, content: str | None, complaint: str) -> None:
    dump = tmp_path / "dump.json"
    if content is not None:
        dump.write_text(content)
    output = one_line(run("sim", "bms", "--pty", tmp_path / "bms", "--dump", dump))
    assert complaint in output
    assert str(dump) in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--scenario", "earthquake"], "give one of bad-line"),
        (["--fault", "gremlins"], "choose from flip"),
        (["--fault", "corrupt=1.5"], "0..1"),
        (["--fault", "corrupt=x"], "not a number"),
    ],
)
def test_simulator_options_that_make_no_sense(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    assert complaint in one_line(run("sim", "bms", "--pty", tmp_path / "bms", *arguments))


def test_a_dump_has_no_scenario(tmp_path: Path, real_dump: Path) -> None:
    result = run("sim", "bms", "--pty", tmp_path / "bms", "--dump", real_dump, "--scenario", "day")
    assert "choose one of them" in one_line(result)


def test_a_link_that_would_replace_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bms").write_text("precious")
    assert "a file exists there" in one_line(run("sim", "bms", "--pty", tmp_path / "bms"))


@pytest.mark.parametrize(
    "backend", ["can0", "socketcand:", "socketcand:0", "socketcand:no", "nosuch:x", "socketcand:1"]
)
def test_a_bus_that_cannot_be_opened(backend: str) -> None:
    assert backend in one_line(run("sim", "gx", "--can", backend, "--seconds", "1"))


def test_a_server_that_is_no_socketcand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"220 smtp ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        output = one_line(
            run("can", "capture", "--can", f"socketcand:{server.getsockname()[1]}", "-o", tmp_path / "x.log")
        )
        thread.join()
    assert "220 smtp" in output


@pytest.mark.parametrize(
    ("name", "complaint"), [("x.asc", "give a name that ends with"), ("no/dir/x.log", "no such dir")]
)
def test_a_capture_file_that_cannot_be(tmp_path: Path, name: str, complaint: str) -> None:
    assert complaint in one_line(run("can", "capture", "--can", "socketcand:1", "-o", tmp_path / name))


def test_nobody_to_set_values_of(tmp_path: Path) -> None:
    assert "No such file" in one_line(run("sim", "set", "--control", tmp_path / "control", "soc=1"))
    assert "NAME=NUMBER" in one_line(run("sim", "set", "--control", tmp_path / "control", "soc"))
    assert "not a number" in one_line(run("sim", "set", "--control", tmp_path / "control", "soc=much"))


@pytest.mark.parametrize("command", [["sim", "bms"], ["demo"]], ids=" ".join)
def test_lists_of_scenarios_and_faults(command: list[str]) -> None:
    assert "overvoltage" in run(*command, "--scenario", "list").output
    assert "corrupt" in run(*command, "--fault", "list").output


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "1e30", "soon"])
def test_durations_that_make_no_sense(seconds: str) -> None:
    result = run("demo", "--seconds", seconds)
    assert result.exit_code == 2
    assert "--seconds" in result.output
