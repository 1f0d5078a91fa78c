"""Connections that a stranger holds, floods or leaves: others are answered, and the limits go out in time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.instruments.watch import wait_until
from support.instruments.web_attack import (
    Target,
    answers,
    ask,
    at_once,
    held,
    read_all,
    request,
    reset,
    target,
    wait_closed,
)

REQUEST_S = 5.0
"""The time of a request, from its first byte on."""
ANSWER_S = 10.0
LATE_S = 2.0
"""How much later than it should a busy machine may be."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Target]:
    """One for all tests here that do not need one that has been patient with nobody yet."""
    with target() as running, running.unharmed():
        yield running


def drip(connection: socket.socket, sent: bytes, every_s: float) -> None:
    """A byte now and then, until the gateway closes."""
    with suppress(OSError):
        for byte in sent:
            connection.sendall(bytes([byte]))
            time.sleep(every_s)


def test_clients_that_do_not_take_their_answers_are_closed_the_first_after_10_s_and_the_others_sooner() -> None:
    with target() as gateway, gateway.unharmed():
        with held([gateway.connect(receive_buffer=1) for _ in range(4)]) as greedy:
            for number, connection in enumerate(greedy):
                connection.sendall(request("/metrics" if number % 2 else "/api/v1/bms/registers") * 20)
            begin = time.monotonic()
            assert gateway.get().status == 200
            held_s = time.monotonic() - begin
            assert all(len(received) < 50_000 for received in at_once(greedy, read_all))
        print(f"\nbehind four clients that take nothing: answered after {held_s:.2f} s")
        assert held_s < 3 * ANSWER_S, "alone each of them would hold it for 10 s"


def test_slow_requests_get_5_s_from_their_first_byte_on_and_not_from_each_one() -> None:
    with target() as gateway, gateway.unharmed():
        with gateway.connect() as slow:
            begin = time.monotonic()
            for part in (b"GET /api/v1/status HTTP/1.1\r\n", b"Host: ", b"localhost\r\nConnection: close\r\n\r\n"):
                slow.sendall(part)
                time.sleep(0.7)
            assert [answer.status for answer in answers(read_all(slow))] == [200], "slow, but in time"
        with gateway.connect() as silent:
            assert REQUEST_S - 1 < wait_closed(silent, 30.0) < REQUEST_S + LATE_S, (
                "nothing was said, nothing is answered"
            )
        with gateway.connect() as slow, gateway.connect() as other:
            threading.Thread(target=drip, args=(slow, b"GET / HTTP/1.1\r\n", 4.0), daemon=True).start()
            begin = time.monotonic()
            time.sleep(0.2)
            other.sendall(request("/api/v1/status", "Connection: close"))
            (timeout,) = answers(read_all(slow))
            closed_s = time.monotonic() - begin
            assert timeout.status == 408 and timeout.json()["error"] == "request_timeout"
            assert REQUEST_S - 1.5 < closed_s < REQUEST_S + LATE_S
            assert [answer.status for answer in answers(read_all(other))] == [200], "he had to wait, but not for long"
        print(f"\na byte every 4 s: closed after {closed_s:.2f} s")


def test_slow_clients_that_come_together_do_not_hold_the_gateway_each_for_5_s() -> None:
    with target() as gateway, gateway.unharmed():
        begin = time.monotonic()
        with held([gateway.connect() for _ in range(8)]) as slow:
            at_once(slow, lambda connection: connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: gate"))
            assert gateway.get().status == 200
            waited_s = time.monotonic() - begin
            received = at_once(slow, read_all)
        print(f"\nbehind eight slow clients: answered after {waited_s:.2f} s")
        assert waited_s < REQUEST_S + 8 * 1.0 + LATE_S
        assert {answer.status for block in received for answer in answers(block)} <= {408}


def test_a_body_that_is_announced_and_never_sent_is_not_waited_for(gateway: Target) -> None:
    with gateway.connect() as nothing:
        nothing.sendall(request("/api/v1/status", "Content-Length: 100"))
        begin = time.monotonic()
        assert [answer.status for answer in answers(read_all(nothing))] == [408], "not even its first byte"
    with gateway.connect() as half:
        half.sendall(request("/api/v1/status", "Content-Length: 100") + b"{")
        assert [answer.status for answer in answers(read_all(half))] == [200], "the answer does not depend on it"
    assert time.monotonic() - begin < 2 * REQUEST_S + LATE_S
    assert gateway.get().status == 200


def test_200_silent_connections_do_not_keep_a_good_client_out(gateway: Target) -> None:
    connections: list[socket.socket] = []
    lock = threading.Lock()
    wanted = threading.Event()

    def hold(_: int) -> None:
        connection = socket.socket()
        connection.settimeout(60.0)
        with suppress(OSError):
            connection.connect(gateway.address)
            with lock:
                connections.append(connection)
            wanted.wait(60.0)
        connection.close()

    holders = [threading.Thread(target=hold, args=(number,), daemon=True) for number in range(200)]
    for holder in holders:
        holder.start()
    try:
        wait_until(lambda: len(connections) >= 8, 20.0)
        begin = time.monotonic()
        assert gateway.get().status == 200
        print(f"\namong 200 silent connections: answered after {time.monotonic() - begin:.2f} s")
    finally:
        wanted.set()
        for holder in holders:
            holder.join()
    assert gateway.get().status == 200


def test_connections_that_are_opened_and_left_at_once_cost_nothing(gateway: Target) -> None:
    unfinished = request("/api/v1/bms/registers")

    def flood(number: int) -> None:
        for turn in range(30):
            with suppress(OSError):
                connection = gateway.connect(20.0)
                with suppress(OSError):
                    connection.sendall(unfinished[: (7 * turn) % (len(unfinished) + 1)])
                if (turn + number) % 2:
                    reset(connection)
                connection.close()

    at_once(range(4), flood)
    assert gateway.get().status == 200


def test_clients_that_reset_in_the_middle_of_their_request_are_forgotten(gateway: Target) -> None:
    with held([gateway.connect() for _ in range(8)]) as connections:
        for connection in connections:
            connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost")
            reset(connection)
    begin = time.monotonic()
    assert gateway.get().status == 200
    assert time.monotonic() - begin < 3.0, "nobody waits for those that are gone"


def test_clients_that_are_gone_before_their_answer_cost_nothing(gateway: Target) -> None:
    for _ in range(30):
        connection = gateway.connect()
        connection.sendall(request("/api/v1/bms/registers") * 3)
        reset(connection)
    assert gateway.get().status == 200


def test_idle_clients_give_way_to_new_ones(gateway: Target) -> None:
    with held([gateway.connect() for _ in range(8)]) as idle:
        for connection in idle:
            assert ask(connection).status == 200
        begin = time.monotonic()
        (answer,) = gateway.say(request("/api/v1/state", "Connection: close"))
        assert answer.status == 200 and time.monotonic() - begin < 4.0
        still_open = 0
        for connection in idle:
            connection.settimeout(0.05)
            with suppress(TimeoutError):
                assert connection.recv(1) == b"" or pytest.fail("it said something")
                continue
            still_open += 1
        assert still_open >= 4, "no more than necessary"


def test_an_idle_client_is_closed_after_5_s_and_one_that_asks_is_kept(gateway: Target) -> None:
    with gateway.connect() as idle, gateway.connect() as busy:
        assert ask(idle).status == 200
        begin = time.monotonic()
        closed = threading.Thread(target=read_all, args=(idle,))
        closed.start()
        while closed.is_alive():
            assert ask(busy).status == 200
            time.sleep(0.2)
        assert REQUEST_S - 1 < time.monotonic() - begin < REQUEST_S + LATE_S


def test_a_client_that_wants_to_be_closed_is_closed_behind_the_answer(gateway: Target) -> None:
    for path in ("/api/v1/status", "/recovery"):
        for wish in ("close", "Close", "TE, close", "close, keep-alive"):
            with gateway.connect() as connection:
                connection.sendall(request(path, f"Connection: {wish}"))
                begin = time.monotonic()
                assert [answer.status for answer in answers(read_all(connection))] == [200]
                assert time.monotonic() - begin < 2.0
