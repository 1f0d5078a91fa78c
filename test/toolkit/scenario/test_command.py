"""``tinybms-gw scenario``: what it prints, and that the validation plan is current."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from tinybms_gateway.cli import main
from tinybms_gateway.scenario.find import scenario_paths

TOOL = Path(sys.executable).with_name("tinybms-gw")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["scenario", *map(str, arguments)])


def test_the_validation_plan_is_current(root: Path) -> None:
    ended = run("docs", "--check", "--root", root)
    assert ended.exit_code == 0, ended.output


def test_a_plan_that_is_not_current_is_noticed_and_written(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "test/scenarios", tmp_path / "test/scenarios")
    (tmp_path / "docs/testing").mkdir(parents=True)
    page = tmp_path / "docs/testing/validation_plan.md"
    shutil.copy(root / "docs/testing/validation_plan.md", page)
    rest = tmp_path / "test/scenarios/rest.yaml"
    rest.write_text(rest.read_text().replace("rises_at_most_per_s: 3\n", "rises_at_most_per_s: 2\n"))
    assert run("docs", "--check", "--root", tmp_path).exit_code == 1
    assert run("docs", "--root", tmp_path).exit_code == 0
    assert "CCL rises by at most 2 A/s" in page.read_text()
    assert run("docs", "--check", "--root", tmp_path).exit_code == 0
    page.write_text("# nothing here\n")
    assert "there must be one pair of markers" in run("docs", "--root", tmp_path).stderr
    assert run("docs", "--root", tmp_path / "docs").exit_code == 2


def test_the_plan_covers_what_the_operations_guide_asks_for(root: Path) -> None:
    page = (root / "docs/testing/validation_plan.md").read_text()
    for name in scenario_paths():
        assert f"### `{name}`" in page
        assert f"tinybms-gw can verify {name}.log --scenario {name}" in page
    for name in (
        "soc-soh-sweep",
        "undervoltage",
        "overvoltage",
        "overheat",
        "cold",
        "energy-counters",
        "two-faults",
        "sensor-lost",
        "frozen",
        "bms-lost",
        "gx-lost",
    ):
        assert name in scenario_paths()


def test_every_step_that_a_person_can_do_says_how() -> None:
    """A scenario without a word for the person at the bench is none for a bench."""
    for name in scenario_paths():
        shown = json.loads(run("show", name, "--json").stdout)
        assert any(step["by_hand"] for step in shown["steps"]), name
        assert shown["expect"], name
        for wanted in shown["expect"]:
            assert wanted["source"].startswith("docs/"), wanted


def test_list() -> None:
    names = [line.split()[0] for line in run("list").stdout.splitlines()]
    assert names == sorted(names) == [entry["name"] for entry in json.loads(run("list", "--json").stdout)]


def test_show_as_a_process() -> None:
    ended = subprocess.run([TOOL, "scenario", "show", "overvoltage"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "| 5 s | soc 99.9; spread 320; current -15; fault 0x03 |" in ended.stdout
    assert "AlarmHighVoltage OK -> after 27 to 33 s: CCL > 0 A" in ended.stdout


def test_a_scenario_that_is_none_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("steps: [\n")
    ended = subprocess.run(
        [TOOL, "scenario", "check", tmp_path / "mine.yaml"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
