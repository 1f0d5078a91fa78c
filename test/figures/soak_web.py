"""The web server in use for half an hour: `make soak`. SOAK_MINUTES makes it shorter, to try it."""

import os
import statistics
import time
from pathlib import Path

import can
import pytest

from support.fixtures.access import set_up
from support.instruments.figures import Figures
from support.instruments.limit_periods import add_periods
from support.instruments.machine import processor_times
from support.instruments.watch import has_id, open_bus, wait_for
from support.instruments.web_load import Connection, Requests, Site, WebSockets
from tinybms_gateway.can.bus import receive_until
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import gateway_stack

pytestmark = pytest.mark.usefixtures("before_everything_else")

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
SETTLED_S = 120.0
LOOK_FOR_S = 20.0
"""The heap is looked at for so long, because each look also sees what an answer takes for a moment."""
LOSSES_SHOWN = 20
CLIENTS = 4
RATE_HZ = 10.0
LIMITS = 0x351


class Stamps(can.Listener):
    """Time stamps of 0x351."""

    def __init__(self) -> None:
        self.of_limits: list[float] = []

    def on_message_received(self, msg: can.Message) -> None:
        if msg.arbitration_id == LIMITS:
            self.of_limits.append(msg.timestamp)


def resident_kb(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


class Course:
    """What the gateway said of itself, by seconds since the start of the soak."""

    def __init__(self) -> None:
        self.free_bytes: list[tuple[float, int]] = []

    def free_around(self, second: float) -> float:
        """Heap that was free in the last seconds before a moment."""
        return statistics.median(free for at, free in self.free_bytes if second - LOOK_FOR_S < at <= second)


@pytest.mark.timeout(MINUTES * 60 + 300)
def test_half_an_hour_of_use(figures: Figures) -> None:
    """4 WebSockets with all topics, 10 requests/s over every document, a battery that is charged and discharged."""
    assert MINUTES * 60 >= SETTLED_S + LOOK_FOR_S, "SOAK_MINUTES: at least 2.5"
    title = f"with {CLIENTS} WebSockets and {RATE_HZ:g} requests/s"
    course, stamps = Course(), Stamps()
    used_before, all_before = processor_times()
    with (
        gateway_stack(http=OWN_WEB, scenario="day") as stack,
        open_bus(stack.can_backend) as bus,
    ):
        wait_for(bus, has_id(LIMITS), 5.0)
        token = set_up(stack.gateway).token("soak")
        site, process = Site(stack.gateway.url(), {"Authorization": f"Bearer {token}"}), stack.gateway.process.pid
        start = time.monotonic()
        with (
            Connection(site) as looking,
            WebSockets(site, CLIENTS) as clients,
            Requests(site, RATE_HZ) as requests,
        ):
            settled_kb = 0
            for second in range(1, round(MINUTES * 60) + 1):
                for message in receive_until(bus, start + second):
                    stamps(message)
                free = looking.json("/api/v1/diagnostics")["heap"]["free_bytes"]
                course.free_bytes.append((second, free))
                if second == SETTLED_S:
                    settled_kb = resident_kb(process)
                if second % 60 == 0:
                    print(
                        f"{second // 60} min: {sum(requests.statuses.values())} answers, {requests.refused} refused, "
                        f"{len(requests.problems)} without an answer; {clients.all_lost} lost by WebSockets; "
                        f"{free} bytes of heap free, {resident_kb(process)} kB resident; "
                        f"{len(stamps.of_limits)} frames 0x351",
                        flush=True,
                    )
            grown_kb = resident_kb(process) - settled_kb
        with Connection(site) as looking:
            web = looking.json("/api/v1/diagnostics")["web"]
            line = looking.json("/api/v1/uart")
    used, all_time = processor_times()
    for at, client, kind, more in clients.losses[:LOSSES_SHOWN]:
        print(f"after {at - start:.1f} s WebSocket {client + 1} lost {more} of {kind}")
    end_s = course.free_bytes[-1][0]
    lost_bytes = course.free_around(SETTLED_S) - course.free_around(end_s)
    figures.add("soak_minutes", "soak, length", MINUTES, "min")
    figures.add("soak_machine_busy", "soak, processors of the machine in use",
                (used - used_before) / (all_time - all_before) * 100, "%")  # fmt: skip
    figures.add("soak_retries", "soak, requests to the BMS that were sent again", line["retries"], "")
    figures.add("soak_heap", "soak, heap in use at the end beyond that after 2 min", lost_bytes, "bytes", at_most=1024)
    figures.add("soak_resident", "soak, resident memory at the end beyond that after 2 min", grown_kb, "kB")
    figures.add("soak_answers", "soak, answers 200", requests.statuses[200], "",
                at_least=0.95 * MINUTES * 60 * RATE_HZ)  # fmt: skip
    figures.add("soak_refused", "soak, other answers", requests.refused, "", at_most=0)
    figures.add("soak_unanswered", "soak, requests without an answer", len(requests.problems), "", at_most=0)
    figures.add("soak_longest", "soak, longest time for an answer", requests.longest_s * 1000, "ms")
    figures.add("soak_messages", "soak, messages to WebSockets", sum(sum(m.values()) for m in clients.messages), "",
                at_least=CLIENTS * MINUTES * 60 * 3)  # fmt: skip
    figures.add("soak_lost", "soak, messages and frames lost by WebSockets", clients.all_lost, "", at_most=0)
    figures.add("soak_shed", "soak, connections shed", web["shed"], "", at_most=0)
    add_periods(figures, "soak_limits", title, stamps.of_limits)
    assert requests.problems == []
