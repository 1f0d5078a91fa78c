"""size_budget.json: each component stays within its share, and the shares are what the chip has."""

import json
import re
from pathlib import Path

import pytest

from support import ROOT
from support.instruments.budget import Takers, queues_in_code, task_stacks
from tinybms_gateway.idf.budget import ESP_IDF, NO_COMPONENT, Budget, Share, Totals, components, load_budget


@pytest.fixture(scope="module")
def budget() -> Budget:
    return load_budget(ROOT)


@pytest.fixture(scope="module")
def taken(native_build: Path, budget: Budget, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Share]:
    return Takers(native_build, tmp_path_factory.mktemp("budget"), budget).take()


def test_the_limits_are_those_of_the_project(budget: Budget) -> None:
    assert budget.limits.application == 1_572_864 * 5 // 6
    assert budget.limits.static_ram == 72_192
    assert budget.limits.heap_free_after_start == 102 * 1024
    assert budget.limits.heap_free_at_worst == 40 * 1024
    assert budget.limits.largest_block_at_worst == 24 * 1024
    assert budget.limits.iram == 112 * 1024 < 128 * 1024  # of which the linker takes no byte more
    # Regions 0x3FFAE6E0..0x3FFE0000, 0x3FFE0440..0x3FFE3F20 and 0x3FFE4350..0x40000000 of ESP-IDF's memory_layout.c.
    regions = ((0x3FFAE6E0, 0x3FFE0000), (0x3FFE0440, 0x3FFE3F20), (0x3FFE4350, 0x40000000))
    assert budget.limits.heap_without_static_ram == sum(end - start for start, end in regions)


def test_the_boot_loader_ends_where_the_partition_table_begins(budget: Budget) -> None:
    defaults = (ROOT / "sdkconfig.defaults").read_text()
    table = re.search(r"^CONFIG_PARTITION_TABLE_OFFSET=(\w+)$", defaults, re.MULTILINE)
    assert budget.limits.boot_loader == int(table[1] if table else "0x8000", 0) - 0x1000


def test_what_was_measured_is_within_the_limits(budget: Budget) -> None:
    for what, totals in budget.measured.items():
        assert budget.problems_of_totals(totals) == [], what
        free = totals.heap_free_after_start
        assert free is None or free >= budget.limits.heap_free_after_start, what


def test_the_share_of_esp_idf_covers_what_it_was_seen_to_take(budget: Budget, taken: dict[str, Share]) -> None:
    share = budget.shares[ESP_IDF]
    with_network = budget.measured["ESP-IDF with the network, nothing of ours"]
    assert share.flash >= with_network.application
    assert share.static_ram >= with_network.static_ram
    # Heap and stacks of ESP-IDF without network: what is gone after start and is neither static nor ours.
    ours = budget.measured["this application, without network"]
    assert ours.heap_free_after_start is not None
    gone = budget.limits.heap_without_static_ram - ours.static_ram - ours.heap_free_after_start
    without_network = gone - sum(share.heap + share.stack for share in taken.values())
    assert share.heap + share.stack >= without_network + 60_000  # Wi-Fi and lwIP


def test_a_build_beyond_a_limit_is_named(budget: Budget) -> None:
    limits = budget.limits
    beyond = Totals(
        application=limits.application + 1, static_ram=limits.static_ram + 1, iram=limits.iram + 1,
        boot_loader=limits.boot_loader + 1,
    )  # fmt: skip
    assert budget.problems_of_totals(beyond) == [
        f"{what} takes {limit + 1} bytes, {limit} are allowed"
        for what, limit in (
            ("the application image", limits.application), ("the boot loader", limits.boot_loader),
            ("static RAM", limits.static_ram), ("IRAM", limits.iram),
        )
    ]  # fmt: skip


def test_the_shares_add_up_to_the_limits(budget: Budget) -> None:
    assert budget.problems_of_sums() == []


def test_at_the_worst_moment_40_kb_of_heap_stay_free(native_build: Path, budget: Budget) -> None:
    config = json.loads((native_build / "config/sdkconfig.json").read_text())
    assert budget.free_at_worst(config) >= budget.limits.heap_free_at_worst


def test_the_sockets_of_the_gateway_are_enough_for_all_who_need_one(native_build: Path) -> None:
    config = json.loads((native_build / "config/sdkconfig.json").read_text())
    clients, of_the_server, mqtt, update, names_and_time = 8, 3, 1, 1, 3
    assert config["LWIP_MAX_SOCKETS"] == clients + of_the_server + mqtt + update + names_and_time


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
    assert "has no entry" in budget.problems_of("newcomer", taken["main"])[0]


def test_shares_that_do_not_add_up_are_named(budget: Budget) -> None:
    changed = budget.model_copy(deep=True)
    changed.shares["main"].flash += 10
    assert changed.problems_of_sums() == [
        f"the shares of flash add up to {budget.limits.application + 10}, "
        f"but the limit is {budget.limits.application}: change 'reserve' by -10"
    ]


def test_stacks_and_queues_follow_kconfig(budget: Budget, native_build: Path, taken: dict[str, Share]) -> None:
    config = json.loads((native_build / "config/sdkconfig.json").read_text())
    assert task_stacks("uart_bms") == ["TINYBMS_UART_TASK_STACK"]
    assert taken["uart_bms"].stack == config["TINYBMS_UART_TASK_STACK"] + budget.overhead.task
    received_bytes, *_ = budget.queues["uart_bms"]
    assert received_bytes.bytes(config | {"TINYBMS_UART_RX_BUFFER": 8192}, {}) == 8192
    received_frames = budget.queues["can_victron"][1]
    assert received_frames.bytes({"TINYBMS_CAN_VICTRON_RX_QUEUE": 10}, {"event_bus_can_frame_t": 32}) == 320
