"""A simulated slcan adapter on a pseudo terminal or behind TCP: the device's side of the Lawicel protocol.

It bridges to a python-can virtual bus, on which every peer is a node: without one nobody acknowledges.
"""

import contextlib
import itertools
import os
import random
import socket
import threading
import time
import tty
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import can

BELL, OK = b"\a", b"\r"
MAILBOXES = 3
QUEUE_LENGTH = 64
_numbers = itertools.count()


class Port(Protocol):
    """How the host reaches the adapter."""

    where: str
    """What stands behind ``slcan:``."""

    def plug(self) -> None: ...
    def unplug(self) -> None: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...


class PtyPort:
    """A pseudo terminal under a link, as a USB adapter under /dev/serial/by-id."""

    def __init__(self, link: Path) -> None:
        self.where = str(link)
        self._link = link
        self._fds: tuple[int, int] | None = None

    def plug(self) -> None:
        self._fds = os.openpty()
        tty.setraw(self._fds[1])
        os.set_blocking(self._fds[0], False)
        self._link.symlink_to(os.ttyname(self._fds[1]))

    def unplug(self) -> None:
        self._link.unlink(missing_ok=True)
        for fd in self._fds or ():
            os.close(fd)
        self._fds = None

    def read(self) -> bytes:
        with contextlib.suppress(OSError):
            return os.read(self._fds[0], 4096) if self._fds else b""
        return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads: lost
            if self._fds:
                os.write(self._fds[0], data)


class TcpPort:
    """A TCP server on a free port of this machine, as of ser2net."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._port = server.getsockname()[1]
        self.where = f"127.0.0.1:{self._port}"
        self._server: socket.socket | None = None
        self._host: socket.socket | None = None

    def plug(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self._port))
        self._server.setblocking(False)

    def unplug(self) -> None:
        for end in (self._host, self._server):
            if end is not None:
                end.close()
        self._host = self._server = None

    def read(self) -> bytes:
        if self._host is None and self._server is not None:
            with contextlib.suppress(BlockingIOError):
                self._host, _ = self._server.accept()
                self._host.setblocking(False)
        if self._host is None:
            return b""
        try:
            data = self._host.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._host.close()
            self._host = None
        return data

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._host is not None:
                self._host.send(data)


@dataclass(frozen=True)
class Firmware:
    """What sort of adapter it is."""

    version: bytes
    answers: bool
    """Commands are answered with CR, z or BEL, as Lawicel's adapters do; else only `V` is, as a CANable does."""
    single_shot: bool
    """`A0` ends the repetition of frames that nobody acknowledges."""
    timestamps: bool = False


LAWICEL = Firmware(version=b"V1013", answers=True, single_shot=False, timestamps=True)
CANABLE = Firmware(version=b"8ca5d39 https://example.org/firmware.git", answers=False, single_shot=True)


class Adapter:
    """The adapter; works in a thread of its own between `__enter__` and `__exit__`."""

    def __init__(self, port: Port, firmware: Firmware = LAWICEL) -> None:
        self.port = port
        self.commands: list[str] = []
        """Everything that it was told."""
        self.fault = ""
        """What is wrong with it: nak, silent, garbage, endless, mislay."""
        self.held = False
        """Somebody holds the bus, so that nothing gets out."""
        self.status = 0
        """Its status flags."""
        self.lock = threading.RLock()
        self._firmware = firmware
        self._channel = f"canable-{os.getpid()}-{next(_numbers)}"
        self._bus = can.Bus(interface="virtual", channel=self._channel)
        self._peers = 0
        self._open = False
        self._rate_known = False
        self._single_shot = False
        self._buffer = bytearray()
        self._waiting: deque[can.Message] = deque(maxlen=QUEUE_LENGTH)
        self._random = random.Random(1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="adapter", daemon=True)

    @property
    def backend(self) -> str:
        """What the gateway is told."""
        return f"slcan:{self.port.where}"

    def __enter__(self) -> "Adapter":
        self.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.unplug()
        self._bus.shutdown()

    def plug(self) -> None:
        with self.lock:
            self.port.plug()

    def unplug(self) -> None:
        """Take it away; without power it forgets everything."""
        with self.lock:
            self.port.unplug()
            self._open = self._rate_known = self._single_shot = False
            self._buffer.clear()
            self._waiting.clear()

    @contextlib.contextmanager
    def peer(self) -> Iterator[can.BusABC]:
        """Another node of the bus."""
        with can.Bus(interface="virtual", channel=self._channel) as bus:
            with self.lock:
                self._peers += 1
            try:
                yield bus
            finally:
                with self.lock:
                    self._peers -= 1

    # ---- the thread ----

    def _serve(self) -> None:
        while not self._stop.wait(0.001):
            with self.lock:
                self._turn()

    def _turn(self) -> None:
        received = self.port.read()
        if self.fault == "silent":
            return
        if self.fault == "endless":
            self.port.write(b"x" * 512)
            return
        if self.fault == "garbage":
            self.port.write(self._random.randbytes(32))
        self._buffer += received
        while b"\r" in self._buffer:
            command, _, rest = self._buffer.partition(b"\r")
            self._buffer = rest
            self._obey(command.decode("ascii", "replace"))
        self._send_waiting()
        while (message := self._bus.recv(0.0)) is not None:
            if self._open:
                self.port.write(self._line_of(message))

    def _obey(self, command: str) -> None:
        self.commands.append(command)
        if command == "V":
            if self.fault != "mislay" or self._random.random() < 0.7:
                self.port.write(self._firmware.version + b"\r")
            return
        answer = self._perform(command)
        if self._firmware.answers:
            self.port.write(answer)

    def _perform(self, command: str) -> bytes:
        name = command[:1]
        if name == "F" and self._open and self._firmware.answers:
            return b"F%02X\r" % self.status
        actions = {"": lambda _: True, "C": self._close, "S": self._set_rate, "A": self._set_retry,
                   "O": self._open_channel, "t": self._take}  # fmt: skip
        if name not in actions or not actions[name](command):
            return BELL
        return b"z\r" if name == "t" else OK

    def _set_rate(self, command: str) -> bool:
        self._rate_known = self._rate_known or (not self._open and command[1:] in tuple("012345678"))
        return not self._open and self._rate_known

    def _set_retry(self, command: str) -> bool:
        if self._open or not self._firmware.single_shot:
            return False
        self._single_shot = command == "A0"
        return True

    def _open_channel(self, _: str) -> bool:
        opened = not self._open and self._rate_known
        self._open = self._open or opened
        return opened

    def _take(self, command: str) -> bool:
        if not self._open or self.fault == "nak":
            return False
        self._waiting.append(message_of(command))
        return True

    def _close(self, _: str) -> bool:
        """Lawicel's adapters forget all frames, a CANable those in the mailboxes of its controller."""
        self._open = False
        for _number in range(len(self._waiting) if self._firmware.answers else min(MAILBOXES, len(self._waiting))):
            self._waiting.popleft()
        return True

    def _send_waiting(self) -> None:
        if not self._open or self.held:
            return
        if self._peers:
            for message in self._waiting:
                message.timestamp = time.time()
                self._bus.send(message)
        if self._peers or self._single_shot:
            self._waiting.clear()

    def _line_of(self, message: can.Message) -> bytes:
        kind = "r" if message.is_remote_frame else "t"
        digits = f"{message.arbitration_id:03X}"
        if message.is_extended_id:
            kind, digits = kind.upper(), f"{message.arbitration_id:08X}"
        data = "" if message.is_remote_frame else bytes(message.data).hex().upper()
        stamp = f"{int(message.timestamp * 1000) % 60000:04X}" if self._firmware.timestamps else ""
        return f"{kind}{digits}{message.dlc}{data}{stamp}\r".encode("ascii")


def message_of(command: str) -> can.Message:
    """The frame of a command ``tIIILDD..``."""
    length, data = int(command[4]), bytes.fromhex(command[5:])
    if length != len(data):
        raise ValueError(f"{command}: {length} bytes announced")
    return can.Message(arbitration_id=int(command[1:4], 16), data=data, is_extended_id=False)
