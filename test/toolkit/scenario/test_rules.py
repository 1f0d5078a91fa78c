"""Each kind of expectation on frames made by hand: what holds, what does not, and what is not seen."""

import json
import struct

import numpy as np
import pytest
from click.testing import CliRunner

from support.fixtures.capture_frames import columns_of
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.verify.rule import KEPT, Rule
from tinybms_gateway.cli import main
from tinybms_gateway.scenario.expectations import scenario_rules
from tinybms_gateway.scenario.model import Scenario
from toolkit.scenario.scenario_play import judge

Frame = tuple[float, int, bytes]


def limits(at: float, cvl: float, ccl: float, dcl: float) -> Frame:
    return at, 0x351, struct.pack("<HhhH", round(cvl * 10), round(ccl * 10), round(dcl * 10), 464)


def alarms(at: float, high_voltage: int = 2, online: bool = True) -> Frame:
    """All OK but the alarm high voltage."""
    bits = 0xAAAAAAAA_AAAAAAAA & ~(3 << 2) & ~(3 << 58) | high_voltage << 2 | (2 if online else 1) << 58
    return at, 0x35A, bits.to_bytes(8, "little")


def measured(at: float, volts: float, amperes: float) -> Frame:
    return at, 0x356, struct.pack("<hhhH", round(volts * 100), round(amperes * 10), 250, 0)


def counters(at: float, wh_in: int, wh_out: int) -> Frame:
    return at, 0x378, struct.pack("<II", wh_in // 100, wh_out // 100)


def keepalive(at: float) -> Frame:
    return at, 0x305, bytes(8)


def block(frames: list[Frame]) -> FrameBlock:
    return columns_of(sorted(((round(at * 1e6), i, data, 0) for at, i, data in frames), key=lambda row: row[0]))


def verdict(frames: list[Frame], **expectation: object) -> Rule | None:
    """The rule when it does not hold; the same in one block, in two, and frame by frame."""
    wanted = Scenario.model_validate(
        {"name": "n", "title": "t", "purpose": "p", "source": "s", "duration_s": 1, "steps": [{"at": 0, "event": 1}],
         "values": {"float_v": 54.0},
         "expect": [{"id": "one", "sentence": "s", "source": "s", **expectation}]}
    )  # fmt: skip
    found = [judge(wanted, block(frames), pieces).get("one") for pieces in (1, 2, len(frames))]
    assert len({None if rule is None else (rule.count, tuple(rule.violations)) for rule in found}) == 1
    return found[0]


def text(rule: Rule | None) -> str:
    assert rule is not None
    return rule.violations[0].text


CURRENTS = [limits(s, 56.8, ccl, 100) for s, ccl in enumerate([0, 3, 6, 9, 9, 20, 5])]


def test_always() -> None:
    assert verdict(CURRENTS, kind="always", then={"DCL": 100}) is None
    bad = verdict(CURRENTS, kind="always", then={"CCL": "<= 9"})
    assert bad is not None and bad.count == 1
    assert bad.violations[0].time_us == 5_000_000 and bad.violations[0].frame == 5
    assert "CCL 20; expected always CCL <= 9 A" in text(bad)


def test_while_another_condition_holds_and_from_some_time_on() -> None:
    frames = [limits(0, 56.8, 9, 9), alarms(0.1), alarms(1, 1), limits(1.5, 56.8, 9, 9), limits(2.2, 54, 0, 9),
              limits(4, 54, 0, 9), alarms(5), limits(6, 56.8, 9, 9)]  # fmt: skip
    wanted = {"kind": "always", "while": {"AlarmHighVoltage": "active"}, "then": {"CCL": 0, "CVL": "float_v"}}
    assert verdict(frames, within_s=1.2, **wanted) is None
    assert verdict(frames, within_s=0.4, **wanted) is not None
    assert "not seen" in text(verdict(frames, within_s=8, **wanted))
    assert "not seen" in text(verdict(CURRENTS, within_s=1, **wanted))


def test_after_within_and_not_before() -> None:
    frames = [alarms(0, 1), limits(0.1, 54, 0, 9), alarms(1, 2), limits(2, 54, 0, 9), limits(4, 54, 5, 9), alarms(9)]
    wanted = {"kind": "after", "after": {"AlarmHighVoltage": "OK"}, "then": {"CCL": "> 0"}}
    assert verdict(frames, within_s=3.5, **wanted) is None
    assert verdict(frames, within_s=[2.5, 3.5], **wanted) is None
    late = verdict(frames, within_s=2, **wanted)
    assert late is not None and late.violations[0].time_us == 3_000_000
    assert "already after 3.00 s" in text(verdict(frames, within_s=[3.5, 9], **wanted))
    assert "not seen" in text(verdict(frames[2:], within_s=3.5, **wanted)), "a capture that begins when it is OK"
    assert "not seen" in text(verdict(frames[:4], within_s=3.5, **wanted)), "the capture ends before it is due"
    nothing_after = [*frames[:4], keepalive(20)]
    assert verdict(nothing_after, within_s=3.5, **wanted) is not None, "all frames stop instead"


def test_after_counts_each_time() -> None:
    frames = [f for s in range(0, 40, 10) for f in (alarms(s, 1), limits(s + (3 if s == 20 else 1), 54, 0, 9),
              alarms(s + 5, 2), limits(s + 6, 54, 9, 9))]  # fmt: skip
    bad = verdict(frames, kind="after", after={"AlarmHighVoltage": "active"}, then={"CCL": 0}, within_s=2)
    assert bad is not None and bad.count == 1 and bad.violations[0].time_us == 22_000_000


def test_order() -> None:
    up_and_down = [{"CCL": 0}, {"CCL": ">= 20"}, {"CCL": "<= 5"}]
    assert verdict(CURRENTS, kind="order", order=up_and_down) is None
    assert verdict(CURRENTS, kind="order", order=[{"CCL": "5..7"}, {"CCL": "!= 9"}]) is None
    assert "not seen after CCL >= 20 A: CCL = 0 A" in text(verdict(CURRENTS, kind="order", order=up_and_down[1::-1]))


def test_course() -> None:
    assert verdict(CURRENTS[:6], kind="course", signal="CCL", falls_at_most_per_s=0) is None
    assert "CCL 20 -> 5 A" in text(verdict(CURRENTS, kind="course", signal="CCL", falls_at_most_per_s=0))
    assert verdict(CURRENTS[:5], kind="course", signal="CCL", rises_at_most_per_s=3) is None
    assert verdict(CURRENTS, kind="course", signal="CCL", rises_at_most_per_s=3, tolerance=8) is None
    assert verdict(CURRENTS, kind="course", signal="CCL", rises_at_most_per_s=3, tolerance=7) is not None
    assert verdict(CURRENTS, kind="course", signal="DCL", rises_at_most_per_s=0, falls_at_most_per_s=0) is None
    low = {"kind": "course", "signal": "CCL", "while": {"CCL": "< 15"}, "rises_at_most_per_s": 3}
    assert verdict(CURRENTS, **low) is None, "neither into the condition nor out of it"
    assert "not seen" in text(verdict(CURRENTS, **{**low, "while": {"CCL": "> 90"}}))


def test_agree() -> None:
    def charge(soc: int, fine: int) -> Frame:
        return 0, 0x355, struct.pack("<HHHH", soc, 100, fine, 0)

    wanted = {"kind": "agree", "signals": ["SOC", "SOCHighResolution"], "at_most": 0.5}
    assert verdict([charge(13, 1250), charge(12, 1249), charge(12, 1250)], **wanted) is None
    assert "SOC 13, SOCHighResolution 12.49" in text(verdict([charge(13, 1249)], **wanted))
    short = (0.0, 0x355, struct.pack("<HH", 13, 100))
    assert "not seen" in text(verdict([short], **wanted)), "a frame too short for the high resolution says nothing"
    with pytest.raises(ValueError, match="not in the same frame"):
        verdict(CURRENTS, kind="agree", signals=["SOC", "CCL"], at_most=1)


def test_pause() -> None:
    wanted = {"kind": "pause", "after": {"AlarmHighVoltage": "active"}, "within_s": [2, 3], "at_least_s": 5}
    running = [alarms(s) for s in range(10)] + [alarms(10, 1), limits(11, 54, 0, 0), limits(12.5, 54, 0, 0)]
    heard = [keepalive(s) for s in range(30)]
    assert verdict([*running, limits(20, 54, 0, 0)], **wanted) is None
    assert verdict([*running, *heard], **wanted) is None, "it ends in the pause; the GX is still there"
    assert "not seen" in text(verdict(running, **wanted))
    assert "not seen" in text(verdict([*running, limits(14, 54, 0, 0)], **wanted))
    assert "1.00 s later" in text(verdict([*running[:-1], limits(20, 54, 0, 0)], **wanted))
    assert "without AlarmHighVoltage active" in text(verdict([*running[:10], limits(20, 54, 0, 0)], **wanted))


@pytest.mark.parametrize(
    ("wh_in", "wh_out", "good"), [(1000, 500, True), (900, 400, True), (1100, 600, True), (1300, 500, False),
                                  (700, 500, False), (1000, 800, False), (1000, 0, False), (500, 1000, False)]
)  # fmt: skip
def test_energy(wh_in: int, wh_out: int, good: bool) -> None:
    """50 V x 200 A for 360 s are 1000 Wh; 50 V x 100 A the other way for 360 s are 500 Wh."""
    frames = [measured(s, 50, 200 if s <= 360 else -100) for s in range(721)]
    rolls_over = 2**32 * 100
    frames += [counters(0.5, rolls_over - 300, 7000), counters(720.5, (wh_in - 300) % rolls_over, 7000 + wh_out)]
    assert (verdict(frames, kind="energy", at_least_wh=300, tolerance_percent=1) is None) == good


def test_energy_that_did_not_flow() -> None:
    frames = [f for s in range(10) for f in (measured(s, 50, 1), counters(s + 0.5, 0, 0))]
    assert "EnergyIn grows by only 0 Wh" in text(verdict(frames, kind="energy", at_least_wh=300, tolerance_percent=1))


def test_age_since_and_quiet() -> None:
    frames = [measured(s, 50, 10 if s < 5 else 11) for s in range(10)] + [keepalive(s + 0.5) for s in (0, 1, 2, 8)]
    for then, held in [
        ({"age 0x305": "<= 6"}, True),
        ({"age 0x305": "< 6"}, False),
        ({"age 0x356": "<= 1"}, True),
        ({"age 0x356": "< 1"}, False),
        ({"since Current": "<= 4"}, True),
        ({"since Current": "< 4"}, False),
    ]:
        assert (verdict(frames, kind="always", then=then) is None) == held, then
    pause = [measured(0, 50, 1), keepalive(5), measured(9, 50, 1), limits(9.1, 50, 1, 1)]
    assert verdict(pause, kind="order", order=[{"quiet": "9..9"}, {"quiet": "< 0.2"}]) is None
    assert verdict(pause, kind="order", order=[{"quiet": "4..6"}]) is not None


def test_times_that_go_back_and_frames_that_are_none_do_no_harm() -> None:
    random = np.random.default_rng(1)
    frames = [
        (float(random.uniform(0, 9)), int(random.choice([0x351, 0x35A, 0x356, 0x378, 0x305, 0x7FF])), random.bytes(n))
        for n in random.integers(0, 9, 300)
    ]
    shuffled = block(frames).take(random.permutation(300))
    for path in ("overvoltage", "bms-lost", "energy-counters", "gx-lost"):
        wanted = Scenario.model_validate(
            json.loads(CliRunner().invoke(main, ["scenario", "show", path, "--json"]).stdout), strict=False
        )
        assert judge(wanted, shuffled, 3), path


def test_the_first_violations_are_kept_and_all_are_counted() -> None:
    bad = verdict([limits(s, 50, 5, 5) for s in range(100)], kind="always", then={"CCL": 0})
    assert bad is not None
    assert (bad.count, len(bad.violations)) == (100, KEPT)


def test_an_empty_capture_is_not_good() -> None:
    empty = block([limits(0, 50, 5, 5)]).take(np.zeros(1, np.bool_))
    assert len(empty) == 0
    wanted = Scenario.model_validate(
        {"name": "n", "title": "t", "purpose": "p", "source": "s", "duration_s": 1, "steps": [{"at": 0, "event": 1}],
         "expect": [{"id": "one", "sentence": "s", "source": "s", "kind": "always", "then": {"CCL": 0}}]}
    )  # fmt: skip
    (rule,) = scenario_rules(wanted)
    rule.finish(0)
    assert rule.count == 1
