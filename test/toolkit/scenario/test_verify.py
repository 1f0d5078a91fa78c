"""``tinybms-gw can verify --scenario``: expectations are rules like the others, what a scenario waives exists."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tinybms_gateway.can.protocol import BITRATE
from tinybms_gateway.can.verify.rules import rules_by_subject
from tinybms_gateway.cli import main
from tinybms_gateway.scenario.find import load_scenario, scenario_paths

SCENARIO = """\
title: t
purpose: p
source: s
duration_s: 1
steps: [{at: 0, event: 1}]
expect:
  - {id: ccl-high, kind: always, sentence: CCL is high., source: s, then: {CCL: ">= 15"}}
  - {id: dcl-zero, kind: order, sentence: DCL is 0 once., source: s, order: [{DCL: 0}]}
waives:
  "limits-*": slow on purpose
"""
LIMITS = "(17000000{:02d}.000000) can0 351#45029C001C02A401\n"
"""CCL 15.6 A, DCL 54.0 A."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    (tmp_path / "c.log").write_text("".join(LIMITS.format(n * 5) for n in range(5)))
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["can", "verify", *map(str, arguments)])


def test_expectations_are_rules_and_waivers_count(files: Path) -> None:
    ended = run(files / "c.log", "--scenario", files / "mine.yaml", "--json")
    assert ended.exit_code == 1
    text = json.dumps(json.loads(ended.stdout))
    assert "ccl-high" in text and "not seen: DCL = 0 A" in text
    assert "slow on purpose" in run(files / "c.log", "--scenario", files / "mine.yaml").output


def test_a_capture_that_is_shorter_than_its_scenario_is_told(files: Path) -> None:
    mine = files / "mine.yaml"
    assert "record it" not in run(files / "c.log", "--scenario", mine).stderr  # 20 s of 1 s
    mine.write_text(SCENARIO.replace("duration_s: 1\n", "duration_s: 68\n"))
    told = run(files / "c.log", "--scenario", mine).stderr
    assert "the capture is 20.0 s long, scenario 'mine' takes 68 s: record for that long" in told


def test_a_scenario_that_is_none_is_one_line(files: Path) -> None:
    for name, expected in (("earthquake", "give one of bad-line"), (str(files / "none.yaml"), "No such file")):
        ended = run(files / "c.log", "--scenario", name)
        assert ended.exit_code == 2, name
        assert expected in ended.stderr and len(ended.stderr.strip().splitlines()) == 1, name


@pytest.mark.parametrize("name", scenario_paths())
def test_what_a_scenario_waives_is_there_and_no_id_is_there_twice(name: str) -> None:
    ids = [rule.id for rules in rules_by_subject(BITRATE).values() for rule in rules]
    scenario = load_scenario(name)
    for pattern in scenario.waives:
        assert any(fnmatchcase(rule_id, pattern) for rule_id in ids), pattern
    assert not {wanted.id for wanted in scenario.expect} & set(ids)
