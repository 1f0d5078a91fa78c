"""tinybms-gw can verify as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.fixtures.capture_frames import Frame, Story, block_of
from support.fixtures.captures import write_candump
from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["can", "verify", *map(str, arguments)])


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_candump(tmp_path / "good.log", [block_of(Story(seconds=12).frames())])


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write_candump(tmp_path / "bad.log", [block_of([*Story(seconds=12).frames(), Frame(11_990, 0x123, b"\1")])])


def test_good_ends_with_0_bad_with_1_unreadable_with_2_and_what_could_be_read_has_its_reports(
    good: Path, bad: Path
) -> None:
    started = {
        path: subprocess.Popen(
            [TOOL, "can", "verify", path, "--html", path.with_suffix(".html"), "--junit", path.with_suffix(".xml")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for path in (bad.with_name("none.log"), good, bad)
    }  # fmt: skip
    told = {path: process.communicate(timeout=120) for path, process in started.items()}
    assert [process.returncode for process in started.values()] == [2, 0, 1]
    assert all("Traceback" not in stderr for _, stderr in told.values())
    for path in (good, bad):
        assert path.with_suffix(".html").read_text().endswith("</html>")
        assert "<testsuites" in path.with_suffix(".xml").read_text()
        assert f"{path.name}: {'good' if path == good else 'NOT GOOD'}" in told[path][0]
    assert not bad.with_name("none.html").exists()
    out = told[bad][0]
    number = len(bad.read_text().splitlines())
    assert f"frame {number}: 0x123 with 1 bytes" in out
    assert "11.990000 s" in out and "2023-11-14 22:13:31.990 UTC" in out
    assert "source: docs/pgn_conversions.md, Frames" in out


@pytest.mark.parametrize("content", ["", "no capture at all\n", "(1.0) can0 351#ZZ\n"])
def test_a_file_that_holds_no_capture_is_one_line_and_leaves_no_report(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(content)
    assert str(path) in one_line(run(path, "--html", tmp_path / "x.html"))
    assert not (tmp_path / "x.html").exists()


def test_several_channels_have_to_be_chosen_from(tmp_path: Path) -> None:
    frames = Story(seconds=12).frames()
    path = tmp_path / "two.log"
    lines = [frame.line for frame in frames]
    path.write_text("".join(line + line.replace("can0", "can1") for line in lines) + "(1800000000.0) can1 123#00\n")
    assert "can0, can1" in one_line(run(path))
    assert run(path, "--channel", "can0").exit_code == 0
    result = run(path, "--channel", "can1", "--json")
    assert result.exit_code == 1
    found = next(r for r in json.loads(result.stdout)["results"] if r["id"] == "id-known")
    assert found["violations"][0]["frame"] == len(frames) + 1
    assert "no channel 'can7'; its channels: can0, can1" in one_line(run(path, "--channel", "can7"))


def test_json_is_all_that_is_printed(bad: Path) -> None:
    result = run(bad, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["good"] is False


def test_what_is_waived_does_not_count_and_is_told(bad: Path) -> None:
    result = run(bad, "--waive", "id-*=a heater is on the bus")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "id-known gateway waived, once" in said and "a heater is on the bus: Only frames" in said
    assert "give RULE=REASON" in one_line(run(bad, "--waive", "id-known"))
    assert "no such rule" in one_line(run(bad, "--waive", "id-unknown=x"))


def test_only_victrons_rules(bad: Path) -> None:
    assert run(bad, "--victron-only").exit_code == 0


def test_places_where_nothing_can_be_written_are_told_first(good: Path) -> None:
    assert "no such directory" in one_line(run(good, "--html", good.parent / "none/x.html"))
    assert "is a directory" in one_line(run(good, "--junit", good.parent))
    assert "is not a regular file" in one_line(run(good, "--html", "/dev/null"))
    assert "both are" in one_line(run(good, "--html", good.parent / "x", "--junit", good.parent / "x"))
    before = good.read_bytes()
    assert "is the capture itself" in one_line(run(good, "--html", good))
    assert good.read_bytes() == before


def test_the_rules_can_be_listed() -> None:
    result = run("--list-rules")
    assert result.exit_code == 0
    assert "soc-resolution" in result.stdout and "Victron, CAN-bus BMS Protocol" in result.stdout
    rules = json.loads(run("--list-rules", "--json").stdout)
    assert {"id", "sentence", "source", "origin", "subject"} == set(rules[0])
    assert {rule["origin"] for rule in rules} == {"Victron", "gateway"}


def test_without_a_file_it_says_what_to_give() -> None:
    assert "give a FILE" in one_line(run())
