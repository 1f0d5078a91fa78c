"""One fault for each rule, planted in good traffic: that rule finds it, and no other does."""

import pytest

from support.fixtures.capture_frames import Frame, MemoryCapture
from tinybms_gateway.can.verify.engine import Choice, verify
from tinybms_gateway.can.verify.report import VIOLATED
from tinybms_gateway.can.verify.rules import rules_by_subject
from toolkit.can.verify.planted_faults import FAULTS, LONG, QUIET

RULES = [rule.id for rules in rules_by_subject(500_000).values() for rule in rules]


def violated(frames: list[Frame], choice: Choice | None = None) -> set[str]:
    return {result.id for result in verify(MemoryCapture(frames), choice=choice or Choice()).of(VIOLATED)}


def test_every_rule_has_its_fault_and_an_id_of_its_own() -> None:
    assert sorted(RULES) == sorted(FAULTS)


@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_fault_is_found_by_its_rule_and_by_no_other(rule: str) -> None:
    fault = FAULTS[rule]
    before = set() if fault.good in (QUIET, LONG) else violated(fault.before(fault.good.frames()))
    after = violated(fault.change((fault.bad or fault.good).frames()), fault.choice)
    assert after - before == {rule}


def test_good_traffic_is_green_and_every_rule_that_can_look_at_it_does() -> None:
    for story in (QUIET, LONG):
        assert violated(story.frames()) == set()
