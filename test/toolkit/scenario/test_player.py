"""What a scenario does to the simulated battery, its line and its GX, and when."""

import math
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tinybms_gateway import gateway_stack
from tinybms_gateway.can.reader import Capture
from tinybms_gateway.scenario.find import load_scenario, read_scenario
from tinybms_gateway.scenario.model import Scenario
from tinybms_gateway.scenario.player import keepalive_at, play
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.faults import Faults
from tinybms_gateway.sim.bms.simulator import make_line

HEAD = "title: t\npurpose: p\nsource: s\nduration_s: 10\n"
STATUS = 50


def scenario(tmp_path: Path, text: str) -> Scenario:
    (tmp_path / "mine.yaml").write_text(HEAD + text)
    return read_scenario(tmp_path / "mine.yaml")


def course(wanted: Scenario, name: str, until_s: float = 100.0) -> list[tuple[float, float]]:
    """Times and values of something of the battery, each time when the player waits."""
    bms, faults = TinyBms(), Faults()
    seen, now = [], 0.0
    for wait in play(wanted, bms, faults):
        value = bms.values()[name] if name in bms.values() else getattr(faults, name)
        seen.append((round(now, 3), round(value, 3)))
        now += wait
        if now > until_s:
            break
    return seen


def test_steps_happen_at_their_times(tmp_path: Path) -> None:
    wanted = scenario(
        tmp_path, "steps: [{at: 0, set: {soc: 20}}, {at: 2.5, set: {soc: 30}}, {at: 7, line: {drop: 0.5}}]"
    )
    assert course(wanted, "soc") == [(0, 20), (2.5, 30), (7, 30)]
    assert course(wanted, "drop") == [(0, 0), (2.5, 0), (7, 0.5)]
    assert list(play(wanted, TinyBms(), Faults()))[-1] == math.inf


def test_a_ramp_goes_in_equal_steps_and_ends_at_its_end(tmp_path: Path) -> None:
    wanted = scenario(tmp_path, "steps: [{at: 1, ramp: {soc: {from: 10, to: 40, for_s: 1.5, every_s: 0.5}}}]")
    assert course(wanted, "soc")[1:] == [(1, 10), (1.5, 20), (2, 30), (2.5, 40)]
    wanted = scenario(tmp_path, "steps: [{at: 0, ramp: {soc: {from: 0, to: 100, for_s: 1, every_s: 0.4}}}]")
    assert course(wanted, "soc") == [(0, 0), (0.4, 40), (0.8, 80), (1, 100)], "the last step is a shorter one"


def test_two_ramps_and_a_step_in_one_another(tmp_path: Path) -> None:
    wanted = scenario(
        tmp_path,
        """
steps:
  - {at: 0, ramp: {soc: {from: 0, to: 4, for_s: 4, every_s: 1}, soh: {from: 50, to: 52, for_s: 4, every_s: 2}}}
  - {at: 2, set: {current: 7}}
""",
    )
    assert course(wanted, "soc") == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]
    assert course(wanted, "soh") == [(0, 50), (1, 50), (2, 51), (3, 51), (4, 52)]
    assert course(wanted, "current") == [(0, 0), (1, 0), (2, 7), (3, 7), (4, 7)]


def test_it_begins_anew(tmp_path: Path) -> None:
    wanted = scenario(tmp_path, "repeat_after_s: 10\nsteps: [{at: 0, line: {silence: 0}}, {at: 8, line: {silence: 1}}]")
    assert course(wanted, "silence", 25) == [(0, 0), (8, 1), (10, 0), (18, 1), (20, 0)]


def test_a_fault_is_entered_and_left_with_its_events(tmp_path: Path) -> None:
    wanted = scenario(
        tmp_path, "steps: [{at: 0, event: 0x63}, {at: 1, set: {current: -5}, fault: 0x03}, {at: 2, recover: 0x79}]"
    )
    bms = TinyBms()
    statuses = [bms.registers[STATUS] for _ in play(wanted, bms, Faults())]
    assert statuses[1] == 0x9B and 0x9B not in (statuses[0], statuses[2])
    assert [event.id for event in bms.events][-3:] == [0x63, 0x03, 0x79]


def test_the_gx_of_a_scenario(tmp_path: Path) -> None:
    text = (
        "repeat_after_s: 10\nsteps: [{at: 0, set: {soc: 1}}]\ngx: [{at: 2, keepalive: false}, {at: 5, keepalive: on}]"
    )
    wanted = scenario(tmp_path, text)
    assert [keepalive_at(wanted, s) for s in (0, 1.9, 2, 4.9, 5, 9, 11, 12, 16)] == [
        True, True, False, False, True, True, True, False, True,
    ]  # fmt: skip
    assert keepalive_at(load_scenario("rest"), 7.0)


@pytest.mark.timeout(30)
def test_the_demo_plays_the_gx_too_and_its_capture_holds_both_sides(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        HEAD + "steps: [{at: 0, set: {soc: 33}}]\ngx: [{at: 1.5, keepalive: false}, {at: 4, keepalive: true}]"
    )
    capture = tmp_path / "capture.log"
    gateway_stack.run(seconds=5.0, capture=capture, dump=None, scenario=str(tmp_path / "mine.yaml"), faults=(),
                  on_step=lambda *_: None)  # fmt: skip
    blocks = list(Capture(capture))
    times = [at / 1e6 for block in blocks for at in block.time_us[block.id == 0x305]]
    longest = max(b - a for a, b in pairwise(times))
    assert 2.3 < longest < 4.0
    (soc,) = {int(v) & 0xFFFF for block in blocks for v in block.data[block.id == 0x355]}
    assert soc == 33


def test_the_time_of_a_line_with_a_time_scale_is_that_of_the_scenario(tmp_path: Path) -> None:
    """A ramp of 40 s in 2 s; where it is follows from the time alone, however late each step comes."""
    (tmp_path / "mine.yaml").write_text(
        HEAD + "steps: [{at: 0, ramp: {soc: {from: 0, to: 100, for_s: 40, every_s: 0.1}}}]"
    )
    late = []
    with make_line(tmp_path / "bms", scenario=str(tmp_path / "mine.yaml"), time_scale=20.0) as line:
        time.sleep(1.0)
        for _ in range(8):
            time.sleep(0.1)
            with line.lock:
                late.append(line.now() * 2.5 - line.bms.values()["soc"])
    assert 0 <= min(late) < 5, "once it was not held up"
