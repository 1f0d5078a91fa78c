"""``tinybms-gw sim system`` as a user runs it."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tinybms_gateway.cli import main
from tinybms_gateway.pure import PureLibrary, Reason

SHORT = ("--scenario", "nmc", "--days", "0.02")


def system(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sim", "system", *map(str, arguments)])


def test_the_figures_are_a_table_or_a_document() -> None:
    table = system(*SHORT)
    assert table.exit_code == 0, table.output
    assert "highest, lowest cell" in table.stdout
    assert "0 times, 0.0 an hour" in table.stdout
    figures = json.loads(system(*SHORT, "--json").stdout)
    assert figures["chemistry"] == "NMC"
    assert figures["days"] == 0.02
    assert figures["dcl_switchings"] == 0
    assert 3.4 < figures["lowest_cell_v"] <= figures["highest_cell_v"] < 4.2


def test_the_same_seed_gives_the_same_run() -> None:
    first, again, other = (system(*SHORT, "--json", "--seed", seed).stdout for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_options_change_battery_and_site() -> None:
    figures = json.loads(system("--days", "0.02", "--chemistry", "nmc", "--no-feed-in", "--json").stdout)
    assert (figures["scenario"], figures["chemistry"], figures["feed_in"]) == ("week", "NMC", False)


def test_the_picture_and_the_rows_are_written(tmp_path: Path) -> None:
    picture, rows = tmp_path / "run.png", tmp_path / "run.csv"
    assert system(*SHORT, "--plot", picture, "--csv", rows).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    with rows.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 173
    assert found[-1]["cvl_reason"] in {"bulk", "rising slowly"}
    assert float(found[-1]["cell_14_v"]) == pytest.approx(float(found[-1]["pack_v"]) / 14, abs=0.02)


def test_a_setting_reaches_the_control(tmp_path: Path) -> None:
    rows = tmp_path / "run.csv"
    assert system(*SHORT, "--set", "charge.max_a=7", "--set", "disch.max_a=11", "--csv", rows).exit_code == 0
    with rows.open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (float(last["ccl_a"]), float(last["dcl_a"])) == (7.0, 11.0)
    assert (last["ccl_reason"], last["dcl_reason"]) == ("user cap", "user cap")


def test_every_scenario_is_listed() -> None:
    listed = system("--list")
    assert listed.exit_code == 0
    for name in ("week", "nmc", "cold", "hot", "load-step", "runaway", "jump", "overvoltage", "dusk"):
        assert name in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--scenario", "picnic"), "not known; choose from week"),
        (("--days", "0"), "0 days: give 0.001 to 60"),
        (("--days", "nan"), "nan days"),
        (("--days", "61"), "61 days"),
        (("--chemistry", "lead"), "lfp"),
        (("--seed", "-1"), "x>=0"),
        (("--pack-gain", "1.2"), "--pack-gain 1.2: give 0.9 to 1.1"),
        (("--pack-gain", "nan"), "--pack-gain nan: give 0.9 to 1.1"),
        (("--wire", "--time-scale", "nan"), "--time-scale nan: give 1 to 20"),
        (("--wire", "--time-scale", "0"), "--time-scale 0: give 1 to 20"),
        (("--set", "charge.max_a=7000"), "charge.max_a: the allowed range is 1..750 A"),
        (("--set", "nonsense=1"), "no such number: nonsense"),
        (("--set", "charge.max_a"), "give KEY=NUMBER"),
        (("--plot", "run.txt"), "give a name that ends with"),
        (("--plot", "nowhere/run.png"), "no directory nowhere"),
        (("--csv", "nowhere/run.csv"), "no directory nowhere"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_status_2(arguments: tuple[str, ...], complaint: str) -> None:
    result = system(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert complaint in result.stderr


def test_a_library_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tinybms-web-gateway.elf").touch()
    monkeypatch.setenv("TINYBMS_BUILD_DIR", str(tmp_path))
    missing = system(*SHORT)
    assert missing.exit_code == 2
    assert "libtinybms_pure.so" in missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1


def test_reasons_are_numbered_as_in_the_c_code(native_build: Path) -> None:
    pure = PureLibrary(native_build / "libtinybms_pure.so")
    texts = {reason: pure.reason_text(reason) for reason in Reason}
    assert texts[Reason.CELL_VOLTAGE] == "cell voltage"
    assert texts[Reason.STALE_DATA] == "stale data"
    assert texts[Reason.CELL_COUNT] == "BMS setting and detected number of cells differ"
    assert texts[Reason.ABSORPTION] == "absorption"
    assert texts[Reason.CHARGE_INHIBITED] == "charging inhibited"
    assert len(set(texts.values())) == len(Reason)
    assert pure.reason_text(len(Reason)) == "unknown"
