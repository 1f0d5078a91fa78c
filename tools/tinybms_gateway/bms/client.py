"""A TinyBMS on a serial port, as its client sees it."""

import contextlib
import enum
import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import serial
from serial.tools import list_ports

from tinybms_gateway.bms import frames
from tinybms_gateway.bms.event_order import EVENT_TIME_MASK, EventOrder, order_of
from tinybms_gateway.bms.frames import Answer, Request
from tinybms_gateway.bms.table import Register

log = logging.getLogger(__name__)

BAUDRATE = 115200
READ_MOST = 125
"""Most registers in one request: MODBUS allows it, and a real device has answered it."""
SETTINGS = range(300, 344)
READ_GAP = 16
"""Longest gap of reserved registers that is read along rather than skipped."""
PIECE_S = 0.02
PAUSE_S = 0.1
VERIFY_WITHIN_S = 0.8
"""Time for a written value to show: the BMS measures every 0.1 s."""
LATE_AT_MOST = 4
"""Longest wait for a line that is never quiet (ASCII lines, noise), as a multiple of the usual wait."""
ADVICE = (
    "check that TX and RX are not swapped, that GND is connected and the level is right, that the BMS is awake "
    "(charger, ignition or load), and that no other program uses this line"
)


class LineError(Exception):
    """The BMS cannot be reached, or does not carry out a request; one line that says what to do."""


class RefusedError(LineError):
    """The BMS refuses a request."""


class Outcome(enum.Enum):
    """What is known about a request that changes something."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "not confirmed"
    """It may or may not have been carried out."""


class Event(NamedTuple):
    """One entry of the event log of the BMS."""

    time_s: int
    """BMS time, 24 bits."""
    id: int


@dataclass(frozen=True)
class EventList:
    """The events as the BMS reports them."""

    bms_time_s: int
    events: list[Event]
    """Oldest first."""
    order_known: bool = True
    """False: their times do not show the order of the answer; they are then sorted by age, those of one second as
    received."""

    def age_s(self, event: Event) -> int:
        """How long ago it was, modulo 194 days."""
        return (self.bms_time_s - event.time_s) & EVENT_TIME_MASK


class BmsClient:
    """Reads and writes, one request at a time. Made by `open_bms`."""

    def __init__(self, port: serial.Serial, timeout_s: float, retries: int) -> None:
        self.tries = 1 + retries
        """Attempts before a request counts as unanswered."""
        self._port = port
        self._timeout_s = timeout_s
        self._late_s = 0.0
        self._received = 0

    def read(self, address: int, count: int) -> list[int]:
        """Values of up to `READ_MOST` registers.

        Raises:
            RefusedError: the BMS refuses.
            LineError: no answer.
        """
        payload = self._ask(frames.read_request(address, count), f"to read registers {address}..{address + count - 1}")
        return [int.from_bytes(payload[i : i + 2], "big") for i in range(0, len(payload), 2)]

    def read_all(self, spans: Iterable[tuple[int, int]], *, leave_out_refused: bool = False) -> dict[int, int]:
        """Read registers in as few requests as possible, without splitting a span (address, count).

        Raises:
            RefusedError: the BMS refuses, and refused registers are not to be left out.
            LineError: no answer.
        """
        found: dict[int, int] = {}
        for address, count in blocks(spans):
            try:
                found.update(enumerate(self.read(address, count), address))
            except RefusedError as error:
                if not leave_out_refused:
                    raise
                log.warning("%s", error)
        return found

    def events(self, *, all_of_them: bool) -> EventList:
        """The newest events, or all that the BMS stores.

        Raises:
            LineError: no answer, or an invalid one.
        """
        payload = self._ask(frames.events_request(all_of_them=all_of_them), "to list its events")
        if len(payload) % 4 != 0 or not payload:
            raise LineError(f"the BMS answered {len(payload)} bytes for its events, an invalid length; try again")
        bms_time_s = int.from_bytes(payload[:4], "little")
        entries = [payload[i : i + 4] for i in range(4, len(payload), 4)]
        return in_order(bms_time_s, [Event(int.from_bytes(entry[:3], "little"), entry[3]) for entry in entries])

    def settings_values(self, option: int) -> dict[int, int]:
        """What the BMS names as least (1), greatest (2) or default (3) word of each of its settings, by register.

        Raises:
            RefusedError: the BMS refuses, as an older firmware may.
            LineError: no answer.
        """
        request = frames.settings_request(option, len(SETTINGS))
        payload = self._ask(request, "to tell the ranges of its settings")
        words = (int.from_bytes(payload[i : i + 2], "little") for i in range(0, len(payload), 2))
        return dict(zip(SETTINGS, words, strict=True))

    def try_once(self, request: Request) -> Outcome:
        """Send a request that must not be repeated blindly.

        Raises:
            LineError: the port has disappeared.
        """
        self._let_late_answers_pass()
        answer = self._attempt(request)
        if answer is None or answer.error == frames.CRC_ERROR:
            self._late_s = self._timeout_s
            return Outcome.UNKNOWN
        return Outcome.CONFIRMED if answer.error is None else Outcome.REFUSED

    def _ask(self, request: Request, what: str) -> bytes:
        """Repeat a request until it is answered; a sleeping BMS swallows the first one, a bad line any."""
        self._let_late_answers_pass()
        self._received = 0
        answer, start = None, time.monotonic()
        for attempt in range(self.tries):
            answer = self._attempt(request)
            if answer is not None and answer.error is None:
                return answer.payload
            log.debug("try %d of %d: %s", attempt + 1, self.tries, "no answer" if answer is None else "refused")
            self._late_s = self._timeout_s + min(time.monotonic() - start, 2 * self._timeout_s)
        if answer is not None and answer.error == frames.COMMAND_ERROR:
            raise RefusedError(f"the BMS refuses {what}")
        raise LineError(f"{self._port.port}: {self._complaint()}: {ADVICE}")

    def _complaint(self) -> str:
        tries = f"{self.tries} {'try' if self.tries == 1 else 'tries'} of {self._timeout_s:g} s"
        if self._received == 0:
            return f"the BMS does not answer ({tries})"
        return f"{self._received} bytes received, but no answer from a TinyBMS ({tries})"

    def _let_late_answers_pass(self) -> None:
        """After retries, wait until the line is quiet: a late answer does not say which registers it holds."""
        end = time.monotonic() + LATE_AT_MOST * self._late_s
        quiet_until = time.monotonic() + self._late_s
        with _port_errors(str(self._port.port)):
            while (now := time.monotonic()) < min(quiet_until, end):
                if self._port.read(max(1, self._port.in_waiting)):
                    quiet_until = now + self._late_s
        self._late_s = 0.0

    def _attempt(self, request: Request) -> Answer | None:
        """Send a request and wait for its answer, once."""
        buffer = bytearray()
        with _port_errors(str(self._port.port)):
            self._port.read(self._port.in_waiting)  # late or unsolicited bytes
            self._port.write(request.frame)
            deadline = time.monotonic() + self._timeout_s
            while time.monotonic() < deadline:
                received = self._port.read(max(1, self._port.in_waiting))
                self._received += len(received)
                buffer += received
                if (answer := frames.take_answer(buffer, request)) is not None:
                    return answer
        return frames.take_answer(buffer, request, time_is_over=True)


@contextlib.contextmanager
def open_bms(port: str, timeout_s: float, retries: int) -> Iterator[BmsClient]:
    """Open a serial port for this program alone, and close it when the context ends.

    Args:
        port: such as /dev/ttyUSB0
        timeout_s: time for a whole answer
        retries: how often a request is repeated

    Raises:
        ValueError: it cannot be opened; says what to do.
    """
    line = open_port(port, min(PIECE_S, timeout_s))
    with contextlib.closing(line):
        yield BmsClient(line, timeout_s, retries)


def open_port(port: str, timeout_s: float) -> serial.Serial:
    """Open a serial port at the speed of a TinyBMS, for this program alone.

    Args:
        port: such as /dev/ttyUSB0
        timeout_s: longest wait of a read

    Raises:
        ValueError: it cannot be opened; says what to do.
    """
    try:
        return serial.Serial(port, BAUDRATE, timeout=timeout_s, write_timeout=1.0, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        raise ValueError(_why_not_open(port, error)) from error


def blocks(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge spans (address, count) into as few blocks as `READ_MOST` allows, without splitting any."""
    found: list[tuple[int, int]] = []
    for address, count in sorted(set(spans)):
        if found:
            first, length = found[-1]
            end = max(first + length, address + count)
            if address - (first + length) <= READ_GAP and end - first <= READ_MOST:
                found[-1] = (first, end - first)
                continue
        found.append((address, count))
    return found


def in_order(bms_time_s: int, answered: list[Event]) -> EventList:
    """Events of a BMS that lists them in either order, oldest first."""
    order = order_of([event.time_s for event in answered])
    events = EventList(bms_time_s, list(answered), order is not None or len(answered) < 2)
    if order is EventOrder.NEWEST_FIRST:
        events.events.reverse()
    if not events.order_known:
        events.events.sort(key=events.age_s, reverse=True)
    return events


def span(register: Register) -> tuple[int, int]:
    """Address and count of the registers that a value takes up."""
    return register.address, register.words


@contextlib.contextmanager
def _port_errors(port: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # serial.SerialException is one
        raise LineError(f"{port}: the port has disappeared ({error}); is the cable plugged in?") from error


def _why_not_open(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.EAGAIN, errno.EBUSY, errno.EACCES) and "lock" in str(error):
        number = errno.EBUSY
    if number == errno.EBUSY:
        return f"{port}: in use by another program (the gateway, a terminal?); close it first"
    if number == errno.EACCES:
        return f"{port}: permission denied; add yourself to the port's group (dialout)"
    if number == errno.ENOENT:
        there = ", ".join(sorted(p.device for p in list_ports.comports())) or "none"
        return f"{port}: no such port; serial ports on this machine: {there}"
    return f"{port}: cannot be used as a serial port ({error})"


def comes_true(shows: Callable[[], bool], within_s: float) -> bool:
    """Whether it shows in time; a BMS that does not answer meanwhile (it restarts) is still polled."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if shows():
                return True
        except LineError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
