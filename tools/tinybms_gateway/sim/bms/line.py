"""The serial line of the simulated TinyBMS, with the timing, sleep and faults of a real one."""

import contextlib
import logging
import math
import os
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from tinybms_gateway.bms import frames
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.ends import LineEnd, PtyEnd
from tinybms_gateway.sim.bms.faults import Faults

log = logging.getLogger(__name__)

Course = Callable[[TinyBms, Faults], Iterator[float]]
"""What happens: changes the device and the faults, and yields how many seconds to wait until it continues."""

SECONDS_PER_BYTE = 10 / 115200
LATENCY_S = 0.0015
"""From the end of a request to the first byte of its answer."""
SLEEPS_AFTER_S = 10.0
REQUEST_GAP_S = 0.1
"""A request that stops for this long is thrown away."""
PIECE_BYTES = 24
"""Bytes are written in pieces of this size, each when its last byte would have left a real UART."""
REFRESH_S = 0.1
LOOK_EVERY_S = 0.05


class BmsLine:
    """A TinyBMS on one end of a line; serves in its own thread between `__enter__` and `__exit__`."""

    def __init__(
        self,
        end: LineEnd | Path,
        bms: TinyBms | None = None,
        *,
        faults: Faults | None = None,
        scenario: Course | None = None,
        seed: int | None = None,
        asleep: bool = False,
        time_scale: float = 1.0,
    ) -> None:
        """Make the line.

        Args:
            end: where it is; a path: a symbolic link to create, to a pseudo terminal
            bms: the device; None: a healthy pack
            faults: what goes wrong; may be changed while it runs; None: those of the device
            scenario: what happens to the battery
            seed: makes the faults repeatable
            asleep: start in sleep: the first request is swallowed
            time_scale: speed of the device's time, and of the bytes and the latency; not of a wire
        """
        self.problem = ""
        """Why it cannot continue, if known."""
        self._end = PtyEnd(end) if isinstance(end, Path) else end
        self.bms = bms or TinyBms()
        self.faults = self.bms.faults = faults or self.bms.faults
        self.lock = threading.RLock()
        self.requests = 0
        self.answers = 0
        self._scenario = scenario
        self._random = random.Random(seed)
        self._scale = time_scale
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._serve, name="bms", daemon=True)
        self._plugged = False
        self._missed = False
        self._fd: int | None = None
        self._buffer = bytearray()
        self._last_request = self._last_byte = 0.0 if not asleep else -math.inf
        self._next_broadcast = 0.0

    def __enter__(self) -> "BmsLine":
        self.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.unplug()

    @property
    def name(self) -> str:
        """The name under which the line is found."""
        return self._end.name

    @property
    def link(self) -> Path:
        """The device that a program on this machine opens."""
        return Path(self._end.name)

    @property
    def connected(self) -> bool:
        """The line is plugged in, and whoever serves its other end is there."""
        return self._fd is not None

    def plug(self) -> None:
        """Plug the line in; one that another program serves is joined when that program is there.

        Raises:
            ValueError, OSError: it cannot be opened.
        """
        with self.lock:
            self._plugged = True
            if not self._end.served:
                self._fd = self._end.open()

    def unplug(self) -> None:
        """Pull the line out."""
        with self.lock:
            self._plugged = False
            self._drop()

    @property
    def alive(self) -> bool:
        """Nothing has gone wrong in the serving thread."""
        return not self._failed

    def now(self) -> float:
        """Seconds since start, in the device's time."""
        return (time.monotonic() - self._start) * self._scale

    # ---- the thread ----

    def _serve(self) -> None:
        try:
            self._serve_until_stopped()
        except ConnectionError as error:
            self._failed, self.problem = True, str(error)
        except Exception:
            self._failed = True
            log.exception("the simulator cannot continue")

    def _serve_until_stopped(self) -> None:
        course = self._scenario(self.bms, self.faults) if self._scenario else None
        next_turn = 0.0 if course is not None else math.inf
        next_refresh = refreshed = 0.0
        while not self._stop.is_set():
            with self.lock:
                now = self.now()
                if course and now >= next_turn:
                    next_turn += next(course, math.inf)
                if now >= next_refresh:
                    self.bms.advance(now - refreshed)
                    refreshed, next_refresh = now, now + REFRESH_S
                self._broadcast(now)
                fd = self._fd
            wait = max(0.0, min(next_turn, next_refresh) - self.now()) / self._scale
            self._wait_and_read(fd, min(wait, 0.05))

    def _wait_and_read(self, fd: int | None, seconds: float) -> None:
        if fd is None:
            self._stop.wait(LOOK_EVERY_S)
            if self._plugged and self._end.served:
                self._join()
            return
        with contextlib.suppress(OSError, ValueError):
            if not select.select([fd], [], [], seconds)[0]:
                return
        with self.lock:
            if fd != self._fd:
                return
            received = self._read(fd)
            if not received:
                return
            now = self.now()
            if now - self._last_byte > REQUEST_GAP_S:
                self._buffer.clear()
            self._last_byte = now
            self._buffer += received
            for request in self._requests():
                self._take(request)

    def _join(self) -> None:
        """Connect to the program that serves the line, which may not be there yet or any more."""
        try:
            fd = self._end.open()
        except OSError as error:
            if not self._missed:
                log.info("%s: no connection (%s); waiting", self.name, error.strerror or error)
            self._missed = True
            return
        with self.lock:
            self._missed = False
            if self._plugged:
                self._fd = fd
                log.info("%s: connected", self.name)
            else:
                self._end.close()

    def _drop(self) -> None:
        self._fd = None
        self._end.close()
        self._buffer.clear()

    def _read(self, fd: int) -> bytes:
        """What has arrived.

        Raises:
            ConnectionError: the device behind a wire has disappeared.
        """
        try:
            received = os.read(fd, 4096)
        except BlockingIOError:
            return b""
        except OSError:
            received = b""
        if not received and self._end.served:
            self._drop()
        elif not received and self._end.wire:
            raise ConnectionError(f"{self.name}: the serial port has disappeared; is the adapter plugged in?")
        return received

    def _requests(self) -> Iterator[bytes]:
        while (request := protocol.take_request(self._buffer)) is not None:
            yield request

    def _take(self, request: bytes) -> None:
        now = self.now()
        asleep = now - self._last_request > SLEEPS_AFTER_S and not self._has_current()
        self._last_request = now
        self.requests += 1
        if asleep:
            log.info("woken up; the first request is swallowed")
            return
        if now < self.bms.resetting_until:
            return
        if self._random.random() < self.faults.nack:
            reply = frames.frame(frames.NACK, request[1], frames.COMMAND_ERROR)
        else:
            reply = protocol.answer(self.bms, request, now, keep_writes=not self.faults.forget_writes)
        arriving = self.faults.damage(reply, self._random)
        if arriving:
            self.answers += 1
            self._write(arriving, now + LATENCY_S + self.faults.slow / 1000)

    def _has_current(self) -> bool:
        return abs(self.bms.registers.f32(reg.PACK_CURRENT)) > 0.1

    def _write(self, data: bytes, start: float) -> None:
        """Write at the pace of 115200 baud, which a wire has anyway."""
        size = len(data) if self._end.wire else PIECE_BYTES
        for first in range(0, len(data), size):
            piece = data[first : first + size]
            due = start if self._end.wire else start + (first + len(piece)) * SECONDS_PER_BYTE
            self._sleep_until(due)
            if self._fd is None:
                return
            with contextlib.suppress(OSError):  # nobody reads: lost, as on a wire
                os.write(self._fd, piece)

    def _sleep_until(self, due: float) -> None:
        seconds = (due - self.now()) / self._scale
        if seconds > 0:
            time.sleep(seconds)

    def _broadcast(self, now: float) -> None:
        """Unsolicited tab-separated lines, when a fault or registers 342 and 343 ask for them."""
        r = self.bms.registers
        period = self.faults.broadcast
        if period <= 0 and r[reg.BROADCAST_PROTOCOL] & 0xFF in (0, 1):
            index = r[reg.BROADCAST_PERIOD] & 0xFF
            period = reg.BROADCAST_PERIODS_S[index] if index < len(reg.BROADCAST_PERIODS_S) else 0.0
        if period <= 0 or now < self._next_broadcast or self.faults.silence:
            return
        self._next_broadcast = now + period
        values = self.bms.values()
        line = f"{values['soc']:.2f}\t{values['voltage']:.2f}\t{values['current']:.2f}\t0.0\t0.0\r\n"
        self._write(line.encode("ascii"), now)
