"""The web server of the native gateway: how soon it answers, what it takes, and that it leaves the CAN bus alone."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from support.fixtures.access import log_in, set_up
from support.instruments.figures import Figures, percentile
from support.instruments.limit_periods import add_periods, stamps_of_limits
from support.instruments.machine import processor_times
from support.instruments.watch import collect, drain, has_id, open_bus, wait_for, wait_until
from support.instruments.web_load import Connection, Message, Requests, Site, WebSockets, documents, hostile_crowd
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

pytestmark = pytest.mark.usefixtures("before_everything_else")

REQUESTS = 1000
SNAPSHOTS = 300
CLIENTS = 4
IDLE = 3
RATE_HZ = 10
CLOCK_SAMPLES = 500
SETTLED_S = 2.5
"""The heap is looked at every second."""
GAPS_S = 61.0
LOGINS_S = 31.0


@contextmanager
def web_stack(*options: str) -> Iterator[tuple[GatewayStack, Site]]:
    """A gateway with its web server, which has published its first limits; and one who may read, by a token."""
    with gateway_stack(http=OWN_WEB, options=options) as stack, open_bus(stack.can_backend) as bus:
        wait_for(bus, has_id(0x351), 5.0)
        token = set_up(stack.gateway).token("figures")
        yield stack, Site(stack.gateway.url(), {"Authorization": f"Bearer {token}"})


def milliseconds(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return (time.monotonic() - start) * 1000


@pytest.mark.timeout(300)
def test_answers(figures: Figures) -> None:
    """From the first byte of a request to the last of its answer, one after the other, without other clients.

    With a token; and once with the cookie of a session.
    """
    with web_stack() as (_, site):
        for name, path in (("state", "/api/v1/state"), ("status", "/api/v1/status"), ("metrics", "/metrics")):

            def on_a_new_connection(path: str = path) -> None:
                with Connection(site) as connection:
                    assert connection.get(path)[0] == 200

            with Connection(site) as kept:
                assert kept.get(path)[0] == 200
                for what, title, ask in (
                    ("kept", "one connection", lambda path=path, kept=kept: kept.get(path)),
                    ("new", "a new connection each", on_a_new_connection),
                ):
                    times = [milliseconds(ask) for _ in range(REQUESTS)]
                    for percent in (50, 99):
                        figures.add(f"web_{name}_{what}_p{percent}", f"GET {path}, {title}, p{percent}",
                                    percentile(times, percent), "ms")  # fmt: skip
                assert kept.closed_by_server <= 1, "an idle connection is closed, and no other"
        with Connection(Site(site.url, log_in(site.url).headers)) as kept:
            times = [milliseconds(lambda: kept.get("/api/v1/state")) for _ in range(REQUESTS)]
        title = "GET /api/v1/state with a session, one connection"
        for percent in (50, 99):
            figures.add(f"web_state_session_p{percent}", f"{title}, p{percent}", percentile(times, percent), "ms")


@pytest.mark.timeout(300)
def test_period_of_the_limits_while_people_log_in(figures: Figures) -> None:
    """One login after the other, each of which calculates PBKDF2 on core 0."""
    title = "while logins run one after another"
    times: list[float] = []
    with web_stack() as (stack, site), open_bus(stack.can_backend) as bus:
        end = threading.Event()

        def log_in_again() -> None:
            while not end.is_set():
                times.append(milliseconds(lambda: log_in(site.url)))

        logins = threading.Thread(target=log_in_again, name="logins", daemon=True)
        logins.start()
        drain(bus)
        frames = collect(bus, LOGINS_S)
        end.set()
        logins.join()
    add_periods(figures, "web_logins", title, stamps_of_limits(frames))
    figures.add("web_login_p50", "login, p50", percentile(times, 50), "ms")
    figures.add("web_login_p99", "login, p99", percentile(times, 99), "ms")
    figures.add("web_logins_made", f"{title}, logins", len(times), "", at_least=LOGINS_S)


def clock_of_the_gateway(site: Site) -> tuple[float, float]:
    """When its clock was 0, in ms of `time.monotonic`: not before the first number, not after the second.

    A request is answered after it was sent and before the answer is here, and the answer tells the gateway's whole
    milliseconds of that moment. Each request so gives two bounds; at random phases of a millisecond the closest of all
    are as near to one another as a request is short.
    """
    phase = random.Random(1)
    earliest, latest = float("-inf"), float("inf")
    with Connection(site) as connection:
        for _ in range(CLOCK_SAMPLES):
            time.sleep(phase.uniform(0.0, 0.003))
            sent = time.monotonic() * 1000
            uptime_ms = connection.json("/api/v1/state")["uptime_ms"]
            received = time.monotonic() * 1000
            earliest, latest = max(earliest, sent - uptime_ms - 1), min(latest, received - uptime_ms)
    assert earliest <= latest
    return earliest, latest


@pytest.mark.timeout(300)
def test_from_a_snapshot_to_the_websockets(figures: Figures) -> None:
    """From the snapshot (`uptime_ms` - `age_ms` of the message) until the last of four clients has its message.

    Both ends in ms of `time.monotonic`, by `clock_of_the_gateway` and its earlier bound, which makes delays longer and
    never shorter. A snapshot counts once, by the first message that has its `sequence`; one whose message was replaced
    by that of the next one before it went out is told as left out. A poll every 100 ms.
    """
    arrivals: dict[int, dict[int, float]] = {}
    snapshots_ms: dict[int, int] = {}

    def note(client: int, at: float, message: Message) -> None:
        state = message["state"]
        snapshots_ms.setdefault(state["sequence"], state["uptime_ms"] - state["age_ms"])
        arrivals.setdefault(state["sequence"], {}).setdefault(client, at * 1000)

    used_before, all_before = processor_times()
    with web_stack("--set", "uart.poll_ms=100") as (_, site):
        clock = clock_of_the_gateway(site)
        with WebSockets(site, CLIENTS, (), note) as clients:
            first = max(arrivals)
            wait_until(lambda: max(arrivals) > first + SNAPSHOTS + 2, 120.0)
    used, all_time = processor_times()
    whole = [sequence for sequence in arrivals if first < sequence <= first + SNAPSHOTS]
    delays = [max(arrivals[s].values()) - clock[0] - snapshots_ms[s] for s in whole if len(arrivals[s]) == CLIENTS]
    title = f"snapshot -> its message at {CLIENTS} WebSockets"
    figures.add("web_machine_busy", "processors of the machine in use meanwhile",
                (used - used_before) / (all_time - all_before) * 100, "%")  # fmt: skip
    figures.add("web_push_p50", f"{title}, p50", percentile(delays, 50), "ms")
    figures.add("web_push_p99", f"{title}, p99", percentile(delays, 99), "ms", at_most=20)
    figures.add("web_push_clock", "of it uncertain, by the clocks", clock[1] - clock[0] + 1, "ms", detail=True)
    figures.add("web_push_samples", f"{title}, samples", len(delays), "", at_least=0.95 * SNAPSHOTS)
    figures.add(
        "web_push_left_out", "snapshots without a message of their own", SNAPSHOTS - len(whole), "", detail=True
    )
    figures.add("web_push_lost", "messages lost by WebSockets that read", clients.all_lost, "", at_most=0)


def heap_free_bytes(site: Site) -> float:
    """As soon as the gateway has looked at what is there now."""
    time.sleep(SETTLED_S)
    with Connection(site) as connection:
        return float(connection.json("/api/v1/diagnostics")["heap"]["free_bytes"])


def use_everything_once(site: Site) -> None:
    """What is taken at the first use, and stays, belongs to no connection."""
    with WebSockets(site, CLIENTS), Connection(site) as connection:
        for path in documents():
            assert connection.get(path)[0] == 200, path
        time.sleep(SETTLED_S)


@pytest.mark.timeout(120)
def test_heap_of_connections(figures: Figures) -> None:
    """Of server and application: what lwIP takes for a connection on the chip is not in it."""
    with web_stack() as (_, site):
        use_everything_once(site)
        alone = heap_free_bytes(site)
        figures.add("web_heap_free", "heap free with the web server, of 163,840 bytes", alone, "bytes")
        with ExitStack() as idle:
            for _ in range(IDLE):
                assert idle.enter_context(Connection(site)).get("/api/v1/status")[0] == 200
            figures.add("web_heap_request", "heap of an idle connection for requests",
                        (alone - heap_free_bytes(site)) / IDLE, "bytes", at_most=1024)  # fmt: skip
        for count in (1, CLIENTS):
            with WebSockets(site, count):
                taken = (alone - heap_free_bytes(site)) / count
            figures.add(f"web_heap_websockets_{count}", f"heap of each of {count} WebSockets", taken, "bytes",
                        at_most=1024)  # fmt: skip


@pytest.mark.timeout(300)
def test_period_of_the_limits_while_the_web_server_is_used(figures: Figures) -> None:
    title = f"with {CLIENTS} WebSockets and {RATE_HZ} requests/s"
    with web_stack() as (stack, site), open_bus(stack.can_backend) as bus:
        with WebSockets(site, CLIENTS) as clients, Requests(site, RATE_HZ) as requests:
            drain(bus)
            frames = collect(bus, GAPS_S)
        add_periods(figures, "web_used", title, stamps_of_limits(frames))
    assert requests.problems == []
    figures.add("web_used_requests", f"{title}, answers 200", requests.statuses[200], "",
                at_least=0.95 * GAPS_S * RATE_HZ)  # fmt: skip
    figures.add("web_used_refused", f"{title}, other answers", requests.refused, "", at_most=0)
    figures.add("web_used_lost", f"{title}, lost by the WebSockets", clients.all_lost, "", at_most=0)


@pytest.mark.timeout(300)
def test_period_of_the_limits_while_the_web_server_is_attacked(figures: Figures) -> None:
    """200 connections that are opened again as they are closed: one half silent, the other slow-loris."""
    title = "under 200 hostile connections"
    with web_stack() as (stack, site), open_bus(stack.can_backend) as bus:
        with hostile_crowd(site) as crowd:
            drain(bus)
            frames = collect(bus, GAPS_S)
        add_periods(figures, "web_attacked", title, stamps_of_limits(frames))
        with Connection(site) as connection:
            wait_until(lambda: connection.get("/api/v1/status")[0] == 200, 20.0)
            heap = connection.json("/api/v1/diagnostics")["heap"]
    figures.add("web_attacked_closed", f"{title}, connections shed", crowd["closed"], "", at_least=10)
    figures.add("web_attacked_heap", f"{title}, least free heap", heap["least_free_bytes"], "bytes", at_least=1)


@pytest.mark.timeout(60)
def test_stacks_of_the_web_server(figures: Figures) -> None:
    """Natively: frames of x86-64 are larger than those of the chip, and its C library is another one."""
    with web_stack() as (_, site), Connection(site) as connection:
        use_everything_once(site)
        tasks = connection.json("/api/v1/diagnostics")["tasks"]
    free = {task["name"]: task["stack_free_bytes"] for task in tasks}
    for task, title in (("httpd", "HTTP server"), ("web", "task that wakes it")):
        figures.add(f"web_stack_{task}", f"stack never used after all documents, {title}", free[task], "bytes")
