"""What the gateway says when it starts, and what a restart does to the bus."""

from pathlib import Path

import pytest

from support.fixtures.boot_log import boot_reason, errors, project_name
from support.fixtures.rig import Rig
from support.instruments.watch import limits, pairs

GOOD_REASONS = ("power on", "reset pin", "restart by software")
PROJECT = "tinybms-web-gateway"
SETTLED_S = 1.0


def test_the_boot_log_names_project_version_and_reason_and_no_error(rig: Rig, root: Path) -> None:
    rig.expect(f"TinyBMS Web Gateway {(root / 'version.txt').read_text().strip()}", 10.0)
    rig.expect("boot reason: ")
    rig.frames_of(SETTLED_S)
    assert boot_reason(rig.log) in GOOD_REASONS
    assert errors(rig.log) == []
    if rig.target != "linux":
        assert project_name(rig.log) == PROJECT


@pytest.mark.needs("can", "bms")
def test_a_restarted_gateway_publishes_again_from_low_limits_and_without_a_false_alarm(rig: Rig) -> None:
    rig.expect("PGN publication started", 15.0)
    rig.restart()
    seen = len(rig.traffic.frames)
    rig.expect("boot reason: ")
    rig.expect("PGN publication started", 15.0)
    first = rig.wait_for(lambda frame: frame.id == 0x351, 5.0, seen)
    later = rig.wait_for(lambda frame: frame.id == 0x351 and frame.at > first.at + 2.0 / rig.scale, 5.0, seen)
    assert 0 <= limits(first.message)[1] <= limits(later.message)[1], "CCL rises from a tenth"
    alarms = [pairs(frame.message)[:13] for frame in rig.traffic.since(seen) if frame.id == 0x35A]
    assert alarms
    assert all(1 not in fields for fields in alarms)
