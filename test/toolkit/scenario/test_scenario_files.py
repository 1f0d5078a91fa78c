"""Scenario files that are none, hostile, or hold a slip of the pen: one line with file, place and what is allowed."""

import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tinybms_gateway.cli import main
from tinybms_gateway.scenario.find import LARGEST_BYTES, read_scenario

GOOD = """\
title: A title
purpose: A purpose.
source: a page
duration_s: 10
values: {most_a: 90}
steps:
  - at: 0
    set: {soc: 50}
  - at: 5
    fault: 0x03
expect:
  - {id: one, kind: always, sentence: A sentence., source: a page, then: {CCL: "<= most_a"}}
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


def complaint(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    output = one_line(run("scenario", "check", path))
    assert str(path) in output
    return output


def test_a_good_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    result = run("scenario", "check", tmp_path / "mine.yaml")
    assert result.exit_code == 0
    assert "good, 2 steps, 1 expectations" in result.output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: A title\n", "", "title: Field required"),
        ("title: A title", "title: 7", "title: Input should be a valid string"),
        ("duration_s: 10", "duration_s: -1", "duration_s: Input should be greater than 0"),
        ("duration_s: 10", "duration_s: .inf", "duration_s: Input should be"),
        ("duration_s: 10", "duration_s: ten", "duration_s: Input should be a valid number"),
        ("duration_s: 10", "duration_s: 10\nname: other", "the name of a scenario is that of its file"),
        ("duration_s: 10", "duration_s: 10\nduration: 10", "duration: not a known key"),
        ("duration_s: 10", "duration_s: 10\nduration_s: 12", "line 5, column 1: key 'duration_s' occurs twice"),
        ("duration_s: 10", "duration_s: 10\nrepeat_after_s: 3", "repeat_after_s 3: must not be before the end, 5"),
        ("at: 0", "at: -1", "steps.0.at: Input should be greater than or equal to 0"),
        ("at: 0", "at: 7", "steps.1.at 5: must not be before 7"),
        ("soc: 50", "soc: 101", "steps.0.set: soc 101: must be 0..100"),
        ("soc: 50", "soc: much", "steps.0.set.soc: Input should be a valid number"),
        ("soc: 50", "soc: true", "steps.0.set.soc: Input should be a valid number"),
        ("soc: 50", "volume: 11", "'volume': not known; choose from soc, soh, current"),
        ("soc: 50", "reg.50: 70000", "steps.0.set"),
        ("soc: 50", "reg.99999: 1", "steps.0.set"),
        ("soc: 50", "current: 1.0e+300", "less than or equal to"),
        ("soc: 50", "temp1: 1.0e+6", "must be -3276.8..3276.7"),
        ("soc: 50", "reg.36: 1", "steps.0.set: reg.36: the simulator overwrites it; set soc, current or spread"),
        ("soc: 50", "status: 0x91", "status: follows from current and soc"),
        ("soc: 50", "fault: 3", "is a key of the step itself"),
        ("    set: {soc: 50}\n", "", "steps.0: nothing happens"),
        ("set: {soc: 50}", "line: {gremlins: 1}", "choose from flip"),
        ("set: {soc: 50}", "line: {silence: 2}", "must be 0..1"),
        ("set: {soc: 50}", "ramp: {soc: {from: 0, to: 200, for_s: 9}}", "soc 200: must be 0..100"),
        ("set: {soc: 50}", "ramp: {soc: {from: 0, to: 9, for_s: 80000, every_s: 0.1}}", "give a longer every_s"),
        ("set: {soc: 50}", "ramp: {soc: {from: 0, to: 9}}", "steps.0.ramp.soc.for_s: Field required"),
        ("fault: 0x03", "fault: 300", "steps.1.fault: Input should be less than or equal to 255"),
        ("steps:", "gx: [{at: 0, keepalive: maybe}]\nsteps:", "gx.0.keepalive: Input should be a valid boolean"),
        ("kind: always", "kind: sometimes", "'always', 'after', 'order'"),
        ("kind: always, ", "", "expect.0: Unable to extract tag using discriminator 'kind'"),
        ("id: one", "id: One of them", "expect.0.id"),
        ("then: {CCL", "than: {CCL", "expect.0"),
        ("then: {CCL", "then: {CCLL", "expect.0 (one): 'CCLL': not a signal of the DBC; similar ones:"),
        ("CCL: \"<= most_a\"", 'CCL: "<= least_a"', "'least_a' is not a number or one of values: most_a"),
        ("CCL: \"<= most_a\"", 'CCL: "<= nan"', "is not a number"),
        ("CCL: \"<= most_a\"", "SystemStatus: away", "'away' is not one of unknown, offline, online"),
        ("CCL: \"<= most_a\"", 'SystemStatus: "> online"', "is not a number"),
        ("CCL: \"<= most_a\"", "ManufacturerName: TinyBMS", "not a signal of the DBC"),
        ("CCL: \"<= most_a\"", 'age 0x399: "> 1"', "no frame of the protocol has this identifier"),
        ("CCL: \"<= most_a\"", 'since Luck: "> 1"', "not a signal of the DBC"),
        ("{CCL: \"<= most_a\"}", "{}", "expect.0.then: Dictionary should have at least 1 item"),
        ("kind: always", "kind: course, signal: CCL", "expect.0"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in complaint(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "must hold keys and values; the keys are title, purpose"),
        ("- a\n- b\n", "must hold keys and values"),
        ("just text", "must hold keys and values"),
        ("steps: [", "line 1, column 9"),
        ("a:\n\tb: 1", "line 2, column 1"),
        (b"\xff\xfe\x00title", "not YAML"),
        (b"title: \x00", "not YAML"),
        ("title: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("title: 2024-13-45", "not YAML"),
        ("? [a, b]\n: 1", "a key must be plain text"),
        ("{" * 5000, "nested deeper"),
        ("[" * 60000, "nested deeper"),
        (BOMB, "line 1, column 4: anchors and aliases are not allowed"),
        ("a: 1\nb: *a", "anchors and aliases are not allowed"),
        ("<<: {title: x}\n" + GOOD, "a key must be plain text"),
        (GOOD[:-20], "line 12, column"),
        ("x" * (LARGEST_BYTES + 1), "larger than 64 kB"),
        (GOOD + "---\n" + GOOD, "expected a single document"),
        (GOOD.replace("  - at: 5\n    fault: 0x03\n", "  - {at: 5, fault: 3}\n" * 600), "at most 500 items"),
        ('1: "a"\n' + GOOD, "keys should be strings"),
    ],
)
def test_what_is_no_scenario_at_all(tmp_path: Path, content: str | bytes, expected: str) -> None:
    start = time.monotonic()
    assert expected.lower() in complaint(tmp_path, content).lower()
    assert time.monotonic() - start < 5


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=12,
    ),
    st.sampled_from(["title", "values", "steps", "gx", "expect", "waives", "repeat_after_s"]),
)
def test_anything_in_a_place_of_a_scenario_is_a_scenario_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: object, place: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(GOOD), place: content}))
    try:
        read_scenario(path)
    except ValueError as error:
        assert str(error).startswith(str(path))


@pytest.mark.parametrize("command", [("scenario", "show"), ("scenario", "check")], ids=" ".join)
def test_a_scenario_that_is_not_there(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "give one of bad-line, bms-lost" in one_line(run(*command, "earthquake"))
    assert "No such file" in one_line(run(*command, tmp_path / "none.yaml"))
    assert "directory" in one_line(run(*command, f"{tmp_path}/"))


def test_simulator_and_demo_say_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("soc: 50", "soc: 500"))
    for command in (("sim", "bms", "--pty", tmp_path / "bms"), ("demo",)):
        assert "steps.0.set: soc 500" in one_line(run(*command, "--scenario", path)), command
