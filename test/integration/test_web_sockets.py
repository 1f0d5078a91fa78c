"""WebSockets of strangers: what is malformed is closed, what is slow loses, and the others do not notice."""

import itertools
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
from websockets.sync.client import connect

from support.instruments.watch import wait_until
from support.instruments.web_attack import Target, at_once, reset, target
from support.instruments.web_frames import CLOSE, PING, PONG, WebSocket, frame, handshake, open_websocket

CLOSED_S = 4.0
"""A frame has 1 s, and the machine may be busy."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Target]:
    with target() as running, running.unharmed():
        yield running


@pytest.fixture(autouse=True)
def none_left(gateway: Target) -> Iterator[None]:
    """Each test begins without a WebSocket of the one before."""
    yield
    wait_until(lambda: gateway.diagnostics()["web"]["websockets"] == 0, 15.0)


@contextmanager
def good(gateway: Target, path: str = "/ws") -> Iterator[WebSocket]:
    """One that behaves."""
    with closing(open_websocket(gateway, path)) as websocket:
        assert websocket.message()["lost"] == 0, "the state comes at once"
        yield websocket


def test_a_real_client_gets_the_state_and_the_frames_it_asked_for(gateway: Target) -> None:
    host, port = gateway.address
    with connect(f"ws://{host}:{port}/ws?subscribe=can,uart", open_timeout=10, max_size=4096) as websocket:
        kinds = {str(websocket.recv(5))[9:].partition('"')[0] for _ in range(12)}
        pong = websocket.ping(b"are you there")
        assert pong.wait(5)
    assert kinds == {"state", "can", "uart"}


def test_malformed_handshakes_are_refused(gateway: Target) -> None:
    cases = {
        handshake(Sec_WebSocket_Key=None): 400,
        handshake(Sec_WebSocket_Key=""): 400,
        handshake(Sec_WebSocket_Key="short"): 400,
        handshake(Sec_WebSocket_Key="k" * 28): 400,
        handshake(Sec_WebSocket_Key="k" * 600): 400,
        handshake(Sec_WebSocket_Version=None): 426,
        handshake(Sec_WebSocket_Version="8"): 426,
        handshake(Sec_WebSocket_Version="130"): 426,
        handshake(Sec_WebSocket_Version="013"): 426,
        handshake(Upgrade=None): 426,
        handshake(Upgrade="websocketing"): 400,
        handshake(Upgrade="h2c, websocket"): 400,
        handshake(Connection=None): 426,
        handshake(Connection="close"): 426,
        handshake(Host=None): 400,
        handshake(Transfer_Encoding="chunked") + b"5\r\nhello\r\n0\r\n\r\n": 411,
        handshake().replace(b"GET", b"POST", 1): 405,
        handshake().replace(b"HTTP/1.1", b"HTTP/2.0", 1): 505,
    }
    for sent, status in cases.items():
        assert [answer.status for answer in gateway.say(sent)] == [status], sent
    (answer,) = gateway.say(handshake(Sec_WebSocket_Version="8"))
    assert answer.headers["Sec-WebSocket-Version"] == "13"


def test_what_a_client_offers_besides_is_not_taken(gateway: Target) -> None:
    for offered in ("chat, superchat", "x" * 300, ",,,"):
        with gateway.connect() as connection:
            connection.sendall(handshake(Sec_WebSocket_Protocol=offered, Sec_WebSocket_Extensions="permessage-deflate"))
            head = connection.recv(300)
            assert head.startswith(b"HTTP/1.1 101 ") and b"Sec-WebSocket-Protocol" not in head


def test_subscriptions_that_do_not_exist_are_refused(gateway: Target) -> None:
    for query in (
        "subscribe=all", "subscribe=can,lin", "subscribe=CAN", "subscribe=can%2Cuart", "subscribe=can;uart",
        "subscribe=%00", "subscribe=can%00", "subscribe=can,%75art", "subscribe= can", "subscribe=" + "can," * 14 + "x",
        "subscribe=" + "can," * 100, "subscribe=" + "x" * 400, "x=1&subscribe=nothing", "SUBSCRIBE=nothing",
    ):  # fmt: skip
        assert [answer.status for answer in gateway.say(handshake(f"/ws?{query}"))] == [400], query
    for query in (
        "",
        "subscribe",
        "subscribe=",
        "subscribe=,",
        "subscribe=state",
        "subscribe=can,can,can",
        "x=y",
        "&&",
        "=can",
    ):
        with closing(open_websocket(gateway, f"/ws?{query}")) as websocket:
            assert websocket.message()["state"]["status"] == "online", query


HUGE = struct.pack(">Q", 1 << 63)
MALFORMED = {
    "not masked": frame(b"hello", masked=False),
    "not masked, empty": frame(masked=False),
    "126 bytes": frame(b"x" * 126),
    "64 kB": frame(b"x" * 65535),
    "1 MB": frame(b"x" * (1 << 20), length=b"\x7f" + struct.pack(">Q", 1 << 20)),
    "length of 2^63": frame(b"x" * 100, length=b"\x7f" + HUGE),
    "length of 2^64 - 1": frame(b"x" * 100, length=b"\x7f" + b"\xff" * 8),
    "length of 2^32 + 126": frame(b"x" * 126, length=b"\x7f" + struct.pack(">Q", (1 << 32) + 126)),
    "ping of 127 bytes": frame(b"x" * 127, PING),
    "ping that is not masked": frame(b"x", PING, masked=False),
    "close of 2 kB": frame(b"x" * 2000, CLOSE),
    "close that is not masked": frame(masked=False, opcode=CLOSE),
    "close with half a code": frame(b"\x03", CLOSE),
    "close with a code that is none": frame(b"\xff\xff", CLOSE),
    "an HTTP request": b"GET /api/v1/cells HTTP/1.1\r\nHost: evil\r\n\r\n" * 3,
    "1 MB of zeros": bytes(1 << 20),
    "1 MB of ones": b"\xff" * (1 << 20),
    "reserved opcode of a message": frame(b"x", opcode=3),
    "another": frame(opcode=7),
    "reserved opcode of a control frame": frame(b"x", opcode=11),
    "the last": frame(opcode=15),
    "half a frame": frame(b"x" * 60)[:20],
    "half a length": frame(b"x" * 200)[:3],
    "one byte": b"\x81",
}


def test_malformed_frames_close_their_connection_and_no_other(gateway: Target) -> None:
    with good(gateway) as witness:
        for name, sent in MALFORMED.items():
            with closing(open_websocket(gateway)) as websocket:
                websocket.send(sent)
                assert websocket.closed(CLOSED_S), name
        witness.message()


def test_what_is_odd_but_whole_is_ignored(gateway: Target) -> None:
    """ESP-IDF looks neither at reserved bits nor at the order of fragments; nothing depends on what a client says."""
    with good(gateway) as websocket:
        for sent in (
            frame(b"hello"),
            frame(b"\xff\xfe not UTF-8"),
            frame(b"x" * 125, 2),
            frame(),
            frame(b"x", first=0x01) + frame(b"y", first=0x00) + frame(b"z", first=0x80),
            frame(b"a continuation of nothing", first=0x80),
            frame(b"x", first=0x01) + frame(b"another begins", first=0x01),
            frame(b"reserved bits", first=0xF1),
            frame(b"a pong that nobody asked for", PONG),
            frame(b"x", length=b"\x7e\x00\x01"),
            frame(b"12345", length=b"\x7f" + struct.pack(">Q", 5)),
        ):
            websocket.send(sent)
        websocket.send(frame(b"still there?", PING))
        assert next(payload for opcode, payload in iter(websocket.receive, None) if opcode == PONG) == b"still there?"
        websocket.message()


def test_any_bytes_behind_the_handshake_end_in_frames_or_in_a_close(gateway: Target) -> None:
    """Every first byte of a frame, each with every kind of length."""
    lengths = (b"\x00", b"\x05", b"\x7d", b"\x7e\x00\x7e", b"\x7f" + HUGE)

    def attack(first: int) -> None:
        with closing(open_websocket(gateway)) as websocket:
            for length in lengths:
                websocket.send(frame(bytes(125), first=first, length=length))
            assert websocket.closed(CLOSED_S), hex(first)

    at_once(list(itertools.chain(range(0, 256, 16), range(0x80, 0x90))), attack, workers=3)


def test_a_flood_of_pings_is_answered_and_nobody_else_loses_anything(gateway: Target) -> None:
    """Not each of them: what does not fit is left out, as RFC 6455 allows."""
    with good(gateway) as witness, good(gateway) as flooding:
        ended = threading.Event()

        def flood() -> None:
            flooding.send(frame(b"ping!", PING) * 2000)
            while not ended.wait(0.1):
                flooding.send(frame(b"the last", PING))

        sending = threading.Thread(target=flood)
        sending.start()
        pongs = [b""]
        while pongs[-1] != b"the last":
            opcode, payload = flooding.receive()
            if opcode == PONG:
                pongs.append(payload)
        ended.set()
        sending.join()
        assert set(pongs[1:-1]) == {b"ping!"}
        assert [witness.message()["lost"] for _ in range(2)] == [0, 0]


def test_a_flood_of_pings_whose_pongs_nobody_reads_holds_nobody_up(gateway: Target) -> None:
    with good(gateway) as witness, closing(open_websocket(gateway, receive_buffer=1)) as flooding:
        ended = threading.Event()

        def flood() -> None:
            while not ended.is_set():
                flooding.send(frame(b"p" * 125, PING) * 50)

        sending = threading.Thread(target=flood)
        sending.start()
        begin = time.monotonic()
        for _ in range(20):
            assert gateway.get().status == 200
        assert time.monotonic() - begin < 10.0
        assert witness.message()["lost"] == 0
        ended.set()
        reset(flooding.connection)
        sending.join()


def test_a_client_that_closes_gets_a_close(gateway: Target) -> None:
    for payload in (b"", struct.pack(">H", 1000) + b"bye"):
        with good(gateway) as websocket:
            websocket.send(frame(payload, CLOSE))
            assert (CLOSE, b"") in iter(websocket.receive, None)
            assert websocket.closed(CLOSED_S)


def test_a_frame_that_comes_in_single_bytes_has_1_s(gateway: Target) -> None:
    with good(gateway) as witness, good(gateway) as slow:
        begin = time.monotonic()

        def drip() -> None:
            for byte in frame(b"x" * 30):
                slow.send(bytes([byte]))
                time.sleep(0.7)

        threading.Thread(target=drip, daemon=True).start()
        assert slow.closed(10.0)
        print(f"\na byte every 0.7 s: closed after {time.monotonic() - begin:.2f} s")
        assert time.monotonic() - begin < CLOSED_S
        witness.message()


def test_a_fifth_is_refused_until_one_leaves(gateway: Target) -> None:
    with ExitStack() as four:
        first = four.enter_context(good(gateway))
        for _ in range(3):
            four.enter_context(good(gateway))
        with gateway.connect() as fifth:
            fifth.sendall(handshake())
            assert fifth.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert gateway.get().status == 200, "requests have four connections of their own"
        first.send(frame(opcode=CLOSE))
        assert first.closed(CLOSED_S)
        four.enter_context(good(gateway))


def lost(gateway: Target) -> int:
    """Messages that WebSockets did not take."""
    return int(gateway.diagnostics()["web"]["websocket_messages_lost"])


def test_a_client_that_stops_reading_loses_and_is_told_and_the_others_get_theirs(gateway: Target) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(good(gateway, "/ws?subscribe=can")) for _ in range(3)]
        stuck = stack.enter_context(closing(open_websocket(gateway, "/ws?subscribe=can,uart", receive_buffer=1)))
        begin = lost(gateway)
        reading = threading.Event()
        seen: list[list[int]] = [[], [], []]

        def read(number: int) -> None:
            while not reading.is_set():
                seen[number].append(others[number].message()["lost"])

        readers = [threading.Thread(target=read, args=(number,)) for number in range(3)]
        for reader in readers:
            reader.start()
        wait_until(lambda: lost(gateway) > begin, 30.0)
        stuck.connection.settimeout(5.0)
        told = next(message for message in stuck.messages() if message["lost"] > 0)
        reading.set()
        for reader in readers:
            reader.join()
        assert told["type"] in ("state", "can", "uart")
        assert all(len(states) >= 2 and set(states) == {0} for states in seen)


def test_a_client_that_takes_nothing_is_closed_after_10_s(gateway: Target) -> None:
    with good(gateway) as other, closing(open_websocket(gateway, "/ws?subscribe=can,uart", receive_buffer=1)):
        before = lost(gateway)
        wait_until(lambda: lost(gateway) > before, 30.0)
        begin = time.monotonic()
        wait_until(lambda: gateway.diagnostics()["web"]["websockets"] == 1, 20.0)
        print(f"\na WebSocket that takes nothing: closed after {time.monotonic() - begin:.2f} s")
        assert time.monotonic() - begin < 14.0
        assert other.message()["lost"] == 0


def test_storms_of_clients_leave_nothing_behind(gateway: Target) -> None:
    with good(gateway) as witness:

        def storm(number: int) -> None:
            for turn in range(20):
                with suppress(OSError, AssertionError):
                    connection = gateway.connect(20.0)
                    with suppress(OSError):
                        connection.sendall(handshake("/ws?subscribe=can,uart"))
                        if turn % 3:
                            connection.recv(4096)
                        if turn % 3 == 2:
                            connection.sendall(frame(b"x" * 60)[: 5 * number])
                    if turn % 2:
                        reset(connection)
                    connection.close()

        at_once(range(4), storm)
        wait_until(lambda: gateway.diagnostics()["web"]["websockets"] == 1, 15.0)
        assert witness.message()["lost"] == 0
        with good(gateway):
            pass
