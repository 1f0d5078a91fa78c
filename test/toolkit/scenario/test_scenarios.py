"""Every scenario of the tree is played for real; what it expects holds, and is noticed when it does not."""

import pytest

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.scenario.find import load_scenario, scenario_paths
from toolkit.scenario.scenario_faults import FAULTS, Bus
from toolkit.scenario.scenario_play import judge, play_all

NAMES = list(scenario_paths())
pytestmark = pytest.mark.timeout(400)  # all of them are played at first, some again when the machine is busy
EXPECTATIONS = [(name, wanted.id) for name in NAMES for wanted in load_scenario(name).expect]


@pytest.fixture(scope="module")
def captures() -> dict[str, FrameBlock]:
    return play_all(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pieces", [1, 37])
def test_what_a_scenario_expects_is_on_the_bus(captures: dict[str, FrameBlock], name: str, pieces: int) -> None:
    """The same whether the capture is one block or many."""
    red = judge(load_scenario(name), captures[name], pieces)
    assert not red, {rule.id: rule.violations[:3] for rule in red.values()}


@pytest.mark.parametrize(("name", "expectation"), EXPECTATIONS)
def test_a_capture_in_which_it_does_not_hold_is_noticed(
    captures: dict[str, FrameBlock], name: str, expectation: str
) -> None:
    fault = FAULTS[name][expectation]
    red = judge(load_scenario(name), fault.plant(Bus(captures[name])))
    assert expectation in red, "nothing noticed"
    assert set(red) <= {expectation} | fault.also, {rule.id: rule.violations[:2] for rule in red.values()}
    first = red[expectation].violations[0]
    assert captures[name].time_us[0] <= first.time_us <= captures[name].time_us[-1]


def test_every_fault_belongs_to_an_expectation() -> None:
    assert {(name, expectation) for name, faults in FAULTS.items() for expectation in faults} == set(EXPECTATIONS)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "rest"])
def test_a_capture_in_which_nothing_of_it_happens_is_not_good(captures: dict[str, FrameBlock], name: str) -> None:
    assert judge(load_scenario(name), captures["rest"])
