"""A task of the gateway hangs: the task watchdog, and what guards the bus without it.

All times are those of the gateway; `SCALE` makes them pass faster than those of the test.
"""

import re
import signal
import time

import pytest

from integration.held_thread import held, thread_names
from support.instruments.watch import collect, drain, has_id, longest_gap, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

SCALE = 4.0
BACKGROUND_SCALE = 10.0
WITHIN_S = 5.0
CONTROL, BACKGROUND = ["battery", "can_victron", "uart_bms"], ["diagnostics", "energy", "ota", "web", "work"]
"""Those of docs/architecture.md, "Tasks"."""
WEB_SERVER = "httpd"
"""A task of ESP-IDF, which reports through the task "web" that wakes it."""
SERVER_HUNG_S = 30.0
"""So long "web" waits for it before it falls silent too."""
NO_TASKS = {"tinybms-web-gat", "main", "task_wdt", "can_link", "uart_isr", "twai_isr", "Tmr Svc", "sys_evt"}
"""What else the Linux program has: first thread, that of app_main(), watchdog, link, interrupts, timers, events."""
WATCHDOG_S = 5.0
OVERDUE_S = 30.0
REPORT_S = 10.0
"""So often background tasks look after one another."""
LONGEST_WAIT_S = 0.5
"""Of any task, by the same table: when it is stopped it may have told the watchdog so long ago."""
SILENT_S = 12.0
POLL_S, PERIOD_S = 0.2, 1.0
"""The newest snapshot may be a poll old when the task is stopped, and the last 0x351 up to a period before the end."""
LATE_S = 1.0
"""How late a busy machine may be."""


def wait_started(stack: GatewayStack) -> None:
    """The network starts last, behind what is stored of passwords."""
    wait_until(
        lambda: any("main: start complete" in line for line in list(stack.gateway.lines)), 10.0, lambda: "no start"
    )


def test_every_task_of_the_program_is_made_to_hang_here() -> None:
    with gateway_stack() as stack:
        wait_started(stack)
        assert thread_names(stack.gateway.process.pid) - NO_TASKS == {*CONTROL, *BACKGROUND, WEB_SERVER}


def test_control_has_core_1_for_itself_its_interrupts_too() -> None:
    with gateway_stack(options=("--log-level", "debug")) as stack:
        wait_started(stack)
        lines = list(stack.gateway.lines)
    cores = dict(found.groups() for line in lines if (found := re.search(r": task (\w+) on core (\d+)$", line)))
    assert cores == {**dict.fromkeys(CONTROL, "1"), **dict.fromkeys([*BACKGROUND, WEB_SERVER, "main"], "0")}
    interrupts = dict(
        found.groups() for line in lines if (found := re.search(r"(\w+): interrupt on core (\d+)$", line))
    )
    assert interrupts == {"uart": "1", "esp_twai": "1"}


@pytest.mark.parametrize("task", BACKGROUND)
def test_a_background_task_that_hangs_is_told_and_disturbs_nobody(task: str) -> None:
    with gateway_stack(scenario="rest", time_scale=BACKGROUND_SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        wait_started(stack)

        def said(text: str) -> bool:
            return any(text in line for line in list(stack.gateway.lines))

        with held(stack.gateway.process.pid, task):
            frames = collect(bus, (OVERDUE_S + REPORT_S) / BACKGROUND_SCALE)
            wait_until(lambda: said(f"service_task: {task} has hung for 3"), LATE_S, lambda: "nobody notices")
            assert not said(f"{task} runs again")
        wait_until(lambda: said(f"service_task: {task} runs again"), WITHIN_S, lambda: "it is not told that it is back")
    times = [m.timestamp * BACKGROUND_SCALE for m in frames if m.arbitration_id == 0x351]
    assert len(times) > OVERDUE_S
    assert longest_gap(times) < PERIOD_S + LATE_S * BACKGROUND_SCALE / SCALE
    assert sum(f"{task} has hung" in line for line in stack.gateway.lines) == 1


def test_a_web_server_that_hangs_is_told_by_the_task_that_wakes_it() -> None:
    with gateway_stack(scenario="rest", time_scale=BACKGROUND_SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        wait_started(stack)
        with held(stack.gateway.process.pid, WEB_SERVER):
            frames = collect(bus, (SERVER_HUNG_S + OVERDUE_S + REPORT_S) / BACKGROUND_SCALE)
            told = "service_task: web has hung for 3"
            wait_until(
                lambda: any(told in line for line in list(stack.gateway.lines)), LATE_S, lambda: "nobody notices"
            )
    times = [m.timestamp * BACKGROUND_SCALE for m in frames if m.arbitration_id == 0x351]
    assert longest_gap(times) < PERIOD_S + LATE_S * BACKGROUND_SCALE / SCALE


@pytest.mark.parametrize("task", CONTROL)
def test_a_control_task_that_hangs_for_5_s_ends_the_program_and_is_named(task: str) -> None:
    with (
        pytest.raises(ConnectionError, match=f"the gateway ended with status {-signal.SIGABRT}"),
        gateway_stack(scenario="rest", time_scale=SCALE) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        wait_for(bus, has_id(0x351), 5.0)
        with held(stack.gateway.process.pid, task) as thread:
            start = time.monotonic()
            wait_until(thread.has_ended, 30.0, lambda: f"{task} hangs for ever")
            lasted_s = (time.monotonic() - start) * SCALE
    said = [line.partition(") ")[2] for line in stack.gateway.lines if "task_wdt" in line]
    assert said == [f"task_wdt: task {task} did not reset the watchdog in time"]
    assert WATCHDOG_S - LONGEST_WAIT_S - LATE_S < lasted_s < WATCHDOG_S + LATE_S


def test_a_task_that_hangs_for_half_of_that_goes_on() -> None:
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        with held(stack.gateway.process.pid, "can_victron"):
            drain(bus)
            assert len(collect(bus, WATCHDOG_S / 2 / SCALE)) <= 1, "only what was under way"
        times = [m.timestamp * SCALE for m in collect(bus, WATCHDOG_S / SCALE) if m.arbitration_id == 0x351]
    assert len(times) >= 4
    assert longest_gap(times) < PERIOD_S + LATE_S


def test_12_s_after_the_newest_snapshot_nothing_is_sent_when_the_battery_task_has_stopped() -> None:
    """The watchdog would come before that, so it is held too; the BMS answers all the time."""
    with gateway_stack(scenario="rest", time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        pid, lines = stack.gateway.process.pid, stack.gateway.lines
        with held(pid, "task_wdt"):
            with held(pid, "battery"):
                start = time.time()
                frames = collect(bus, (SILENT_S + 5.0) / SCALE)
            for _ in range(2):  # with the second frame the task has told the watchdog that it is back
                wait_for(bus, has_id(0x351), 5.0)
    limits_s = [(m.timestamp - start) * SCALE for m in frames if m.arbitration_id == 0x351]
    last_s = (frames[-1].timestamp - start) * SCALE
    assert longest_gap(limits_s) < PERIOD_S + LATE_S
    assert SILENT_S - POLL_S - PERIOD_S < limits_s[-1] <= last_s < SILENT_S + LATE_S
    assert sum("can_victron: the newest battery state is older than 12000 ms" in line for line in lines) == 1
    assert not any("no valid snapshot" in line for line in lines), "the task itself has fallen silent"
