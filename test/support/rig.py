"""A gateway on the bench, whatever it runs on: its log, its restart, the bus around it, and what stands on its UART."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import NamedTuple

import can
import pexpect
import pytest
from pytest_embedded import Dut
from pytest_embedded_idf.linux import LinuxSerial

from bench_options import NONE, BenchOptions
from tinybms_gateway.can.bus import connection_closed, open_bus
from tinybms_gateway.gateway_process import OWN_BUS
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.gx.simulator import KEEPALIVE_EVERY_S, keepalive_frames

CRASH = re.compile(
    r"^.*(?:Guru Meditation|abort\(\) was called|assert failed|stack overflow|watchdog got triggered|Brownout detector|"
    r"CORRUPT HEAP|Backtrace:|Rebooting\.\.\.|Sanitizer:|runtime error:).*$",
    re.MULTILINE,
)
BUSY_S = 5.0
"""What a busy machine may be late by, in waits that only a failure makes last so long."""
END_WITHIN_S = 5.0
JOIN_WITHIN_S = 5.0
GOING_WITHIN_S = 1.0
LOOK_EVERY_S = 0.05
LAST_LINES = 3


class Seen(NamedTuple):
    """A frame, and when it was here."""

    at: float
    """Of `time.monotonic`."""
    message: can.Message

    @property
    def id(self) -> int:
        return self.message.arbitration_id


class Traffic(can.Listener):
    """All frames that come, and a capture of them and of what the test sends."""

    def __init__(self) -> None:
        self.frames: list[Seen] = []
        self.problem = ""
        self._capture: can.Listener | None = None
        self._channel: can.typechecking.Channel = "can0"
        self._lock = threading.Lock()

    def on_message_received(self, msg: can.Message) -> None:
        with self._lock:
            self.frames.append(Seen(time.monotonic(), msg))
            self._channel = msg.channel if msg.channel is not None else self._channel
            if self._capture is not None:
                self._capture.on_message_received(msg)

    def on_error(self, exc: Exception) -> None:
        self.problem = str(exc)

    def sent(self, message: can.Message) -> None:
        """The test sends this now."""
        with self._lock:
            if self._capture is not None:
                stamped = copy(message)
                stamped.timestamp, stamped.channel, stamped.is_rx = time.time(), self._channel, False
                self._capture.on_message_received(stamped)

    def since(self, number: int) -> list[Seen]:
        """Frames from a number on."""
        with self._lock:
            return self.frames[number:]

    @contextmanager
    def captured(self, path: Path) -> Iterator[None]:
        """Keep a capture while the context lasts."""
        with can.Logger(path) as capture:
            self._capture = capture
            yield
            with self._lock:
                self._capture = None


def text_of(log: Path) -> str:
    """What a program has said, whatever it was."""
    return log.read_text(encoding="utf-8", errors="replace").replace("\r", "")


class Rig:
    """What tests speak to. Times are those of the gateway."""

    def __init__(self, options: BenchOptions, dut: Dut, bms: BmsLine | None, scale: float, data: Path) -> None:
        self.target = options.target
        self.dut = dut
        self.scale = scale
        self.traffic = Traffic()
        self._bms = bms
        self._options = options
        self._data = data
        self._bus: can.BusABC | None = None
        self._keepalive: list[can.CyclicSendTaskABC] = []
        self._of_bus = ExitStack()
        self._starts = 0

    @property
    def bms(self) -> BmsLine:
        """The simulated TinyBMS; hold its lock while you change it."""
        assert self._bms is not None, "a test that needs it says so: needs('simulator')"
        return self._bms

    # ---- the log ----

    @property
    def log(self) -> str:
        """Everything that the gateway has said."""
        return text_of(Path(self.dut.logfile))

    def expect(self, text: str, within_s: float = 5.0) -> None:
        """Wait for a text in the log, after what was expected last."""
        deadline = self.deadline(within_s)
        while self.dut.pexpect_proc.expect_exact([text, pexpect.TIMEOUT], timeout=0) != 0:
            self._go_on(deadline, f"no '{text}' in the log within {within_s:g} s")

    # ---- the bus ----

    def wait_for(self, wanted: Callable[[Seen], bool], within_s: float, since: int | None = None) -> Seen:
        """The first frame that is wanted, from now or from a number of frames on."""
        start = len(self.traffic.frames) if since is None else since
        deadline = self.deadline(within_s)
        while True:
            found = next(filter(wanted, self.traffic.since(start)), None)
            if found is not None:
                return found
            self._go_on(deadline, f"no such frame within {within_s:g} s")

    def frames_of(self, seconds: float) -> list[Seen]:
        """All frames of the next seconds."""
        start = len(self.traffic.frames)
        end = time.monotonic() + seconds / self.scale
        while time.monotonic() < end:
            self._check_alive()
            time.sleep(LOOK_EVERY_S)
        return self.traffic.since(start)

    def keepalive(self, on: bool) -> None:
        """A GX is on the bus, or not any more."""
        assert self._bus is not None
        for task in self._keepalive:
            task.stop()
        self._keepalive.clear()
        if on:
            for message in keepalive_frames():
                task = self._bus.send_periodic(
                    message, KEEPALIVE_EVERY_S / self.scale, modifier_callback=self.traffic.sent
                )
                self._keepalive.append(task)

    # ---- start and end ----

    def restart(self) -> None:
        """Reset the chip, or end the program in order and start it again; around an emulated chip all stays joined."""
        if self.target == "linux":
            self._of_bus.close()
            self.end()
            self.dut.serial.close()
            (self._data / "can_port").unlink(missing_ok=True)
            self.dut.serial = LinuxSerial(self.dut.app, msg_queue=self.dut._q, meta=self.dut._meta)
            self.connect()
        elif self.target == "qemu":
            self.dut.hard_reset()
        else:
            self.dut.serial.hard_reset()

    def connect(self) -> None:
        """Join the bus, record it, and be a GX on it."""
        self._wait_for_uart()
        if self._options.can == NONE:
            return
        backend = self._own_bus() if self._options.can == OWN_BUS else self._options.can
        self._starts += 1
        name = "capture.log" if self._starts == 1 else f"capture-{self._starts}.log"
        self._bus = self._join(backend)
        self._of_bus.callback(self._leave)
        self._of_bus.enter_context(self.traffic.captured(Path(self.dut.logfile).with_name(name)))
        self._of_bus.enter_context(can.Notifier(self._bus, [self.traffic], timeout=0.1))
        self._of_bus.callback(self.keepalive, False)
        self.keepalive(True)

    def close(self, passed: bool) -> None:
        """Leave the bus; a gateway whose test has passed must not have crashed, and ends in order."""
        try:
            self._of_bus.close()
            if passed:
                self._check_alive()
                if self.target == "linux":
                    self.end()
        finally:
            if self.target == "linux":
                self.dut.serial.kill()
                self.dut.serial.close()

    def end(self) -> None:
        """End the native gateway in order."""
        process = self.dut.serial
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the gateway does not end within {END_WITHIN_S:g} s of SIGTERM", pytrace=False)
        if status != 0:
            self._fail(f"the gateway ended with status {status}")

    def deadline(self, within_s: float) -> float:
        """When something of the gateway is late, by `time.monotonic`."""
        return time.monotonic() + within_s / self.scale + BUSY_S

    def _own_bus(self) -> str:
        file = self._data / "can_port"
        deadline = self.deadline(5.0)
        while not (file.is_file() and (text := file.read_text().strip())):
            self._go_on(deadline, "the gateway did not open its CAN bus")
        return f"socketcand:{text}"

    def _join(self, backend: str) -> can.BusABC:
        deadline = self.deadline(JOIN_WITHIN_S)
        while True:
            try:
                return self._of_bus.enter_context(open_bus(backend))
            except ValueError as error:
                if self.target != "qemu":
                    raise
                self._go_on(deadline, f"{error} (--can, and what --qemu-extra-args says of the bus)")

    def _leave(self) -> None:
        self._bus = None

    def _wait_for_uart(self) -> None:
        deadline = self.deadline(JOIN_WITHIN_S)
        while self._bms is not None and not self._bms.connected:
            self._go_on(deadline, f"nobody serves {self._bms.name} (--bms-port; of an emulator: and -serial)")

    def _go_on(self, deadline: float, otherwise: str) -> None:
        self._check_alive()
        if time.monotonic() > deadline:
            self._fail(otherwise)
        time.sleep(LOOK_EVERY_S)

    def _check_alive(self) -> None:
        crash = CRASH.search(self.log)
        if crash:
            self._fail(f"the gateway has crashed: {crash[0]}")
        lost = self._lost()
        process = self.dut.serial if self.target == "linux" else getattr(self.dut, "qemu", None)
        if process is not None and lost:
            with suppress(subprocess.TimeoutExpired):  # it may be about to end: its connections go first
                process.wait(GOING_WITHIN_S)
        if process is not None and process.poll() is not None:
            # Its own output: the log is written by another process, which may not have come to the end of it yet.
            said = text_of(Path(process._logfile))
            self._fail(f"the gateway is gone: it ended by itself with status {process.returncode}", said)
        if self._bms is not None and not self._bms.alive:
            self._fail(f"the simulated TinyBMS is gone: {self._bms.problem or 'see above'}")
        if lost:
            self._fail(f"the CAN adapter is gone: {lost}")

    def _lost(self) -> str:
        """Why there is no CAN adapter any more."""
        closed = self._bus is not None and connection_closed(self._bus)
        return self.traffic.problem or ("it has closed the connection" if closed else "")

    def _fail(self, why: str, said: str | None = None) -> None:
        last = " | ".join((self.log if said is None else said).strip().splitlines()[-LAST_LINES:])
        pytest.fail(f"{why}; its last words: {last or '(none)'}; all of them: {self.dut.logfile}", pytrace=False)


@contextmanager
def running_rig(rig: Rig, passed: Callable[[], bool]) -> Iterator[Rig]:
    """Connect, and end in order when the test has passed."""
    try:
        rig.connect()
        yield rig
    finally:
        rig.close(passed())
