"""size_budget.json: each component stays within its share, and the shares are what the chip has."""

import json
from pathlib import Path

import pytest

from budget import Takers, queues_in_code, task_stacks
from target import ROOT
from tinybms_gateway.idf.budget import NO_COMPONENT, Budget, Share, components, load_budget


@pytest.fixture(scope="module")
def budget() -> Budget:
    return load_budget(ROOT)


@pytest.fixture(scope="module")
def taken(native_build: Path, budget: Budget, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Share]:
    return Takers(native_build, tmp_path_factory.mktemp("budget"), budget).take()


def test_the_limits_are_those_of_the_project(budget: Budget) -> None:
    assert budget.limits.application == 1_572_864 * 75 // 100
    assert budget.limits.static_ram == 60 * 1024
    assert budget.limits.heap_free_after_start == 120 * 1024
    # Regions 0x3FFAE6E0..0x3FFE0000, 0x3FFE0440..0x3FFE3F20 and 0x3FFE4350..0x40000000 of ESP-IDF's memory_layout.c.
    regions = ((0x3FFAE6E0, 0x3FFE0000), (0x3FFE0440, 0x3FFE3F20), (0x3FFE4350, 0x40000000))
    assert budget.limits.heap_without_static_ram == sum(end - start for start, end in regions)


def test_the_shares_add_up_to_the_limits(budget: Budget) -> None:
    assert budget.problems_of_sums() == []


def test_every_component_has_a_line_and_stays_within_its_share(budget: Budget, taken: dict[str, Share]) -> None:
    assert [problem for name in components(ROOT) for problem in budget.problems_of(name, taken[name])] == []


def test_what_is_taken_is_measured(taken: dict[str, Share]) -> None:
    assert min(share.flash for share in taken.values()) > 0
    assert taken["can_victron"].static_ram > 1000  # one can_node_t, one schedule and one state
    assert taken["uart_bms"].stack >= 4096
    assert taken["uart_bms"].heap >= 1024  # the receive buffer
    assert taken["tinybms"].stack == taken["tinybms"].heap == taken["tinybms"].static_ram == 0


def test_every_queue_and_allocation_of_the_code_is_in_the_budget(budget: Budget) -> None:
    in_code = {name: count for name in components(ROOT) if (count := queues_in_code(name))}
    in_budget = {name: len(queues) for name, queues in budget.queues.items()}
    assert in_code == in_budget, "list what is taken from the heap in size_budget.json, 'queues'"


def test_lines_are_components_or_say_what_they_are(budget: Budget) -> None:
    for name, share in budget.shares.items():
        assert name in components(ROOT) or share.why, f"{name}: no such component, and no 'why'"
    assert all(budget.shares[name].why for name in NO_COMPONENT)


def test_a_component_beyond_its_share_is_named(budget: Budget, taken: dict[str, Share]) -> None:
    assert budget.problems_of("main", Share(flash=budget.shares["main"].flash + 1)) == [
        f"main takes {budget.shares['main'].flash + 1} bytes of flash, its share is {budget.shares['main'].flash}"
    ]
    assert "has no line" in budget.problems_of("newcomer", taken["main"])[0]


def test_shares_that_do_not_add_up_are_named(budget: Budget) -> None:
    changed = budget.model_copy(deep=True)
    changed.shares["main"].flash += 10
    assert changed.problems_of_sums() == [
        f"the shares of flash add up to {budget.limits.application + 10}, the limit is {budget.limits.application}: "
        "change 'reserve' by -10"
    ]


def test_stacks_and_queues_follow_kconfig(budget: Budget, native_build: Path, taken: dict[str, Share]) -> None:
    config = json.loads((native_build / "config/sdkconfig.json").read_text())
    assert task_stacks("uart_bms") == ["TINYBMS_UART_TASK_STACK"]
    assert taken["uart_bms"].stack == config["TINYBMS_UART_TASK_STACK"] + budget.overhead.task
    received_bytes, *_ = budget.queues["uart_bms"]
    assert received_bytes.bytes(config | {"TINYBMS_UART_RX_BUFFER": 8192}, {}) == 8192
    received_frames = budget.queues["can_victron"][1]
    assert received_frames.bytes({"TINYBMS_CAN_VICTRON_RX_QUEUE": 10}, {"event_bus_can_frame_t": 32}) == 320
