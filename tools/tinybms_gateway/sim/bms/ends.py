"""What the line of the simulated TinyBMS ends in: a pseudo terminal, or a serial port with a wire behind it."""

import contextlib
import os
import tty
from pathlib import Path
from typing import Protocol

import serial

from tinybms_gateway.bms.client import open_port


class LineEnd(Protocol):
    """One end of a line, which can be pulled out and put in again."""

    link: Path
    """The name under which it is found."""
    wire: bool
    """There is a wire behind it, which takes its time by itself, and a device that may go away."""

    def open(self) -> int:
        """Put it in; returns a file descriptor that does not block.

        Raises:
            ValueError, OSError: it cannot be opened.
        """

    def close(self) -> None:
        """Pull it out."""


class PtyEnd:
    """A pseudo terminal under a symbolic link, for a program of this machine."""

    wire = False

    def __init__(self, link: Path) -> None:
        self.link = link
        self._fds: tuple[int, int] | None = None

    def open(self) -> int:
        """Make the pseudo terminal and its link.

        Raises:
            FileExistsError: the link would replace a file.
        """
        if self.link.exists() and not self.link.is_symlink():
            raise FileExistsError(f"{self.link}: there is a file; give another name for the link")
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.link)
        self._fds = (master, slave)
        return master

    def close(self) -> None:
        """Take the device away, as a pulled USB cable does."""
        if self._fds is None:
            return
        with contextlib.suppress(OSError):  # a link that somebody else has made meanwhile is theirs
            if self.link.readlink() == Path(os.ttyname(self._fds[1])):
                self.link.unlink()
        for fd in self._fds:
            os.close(fd)
        self._fds = None


class SerialEnd:
    """A serial port of this machine at 115200 baud, such as a USB-TTL adapter on the UART of a gateway."""

    wire = True

    def __init__(self, device: Path) -> None:
        self.link = device
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """Open the port for this program alone.

        Raises:
            ValueError: it cannot be opened; with what to do.
        """
        self._port = open_port(str(self.link), timeout_s=0.0)
        return int(self._port.fileno())

    def close(self) -> None:
        """Leave the port: the wire is idle."""
        if self._port is not None:
            self._port.close()
        self._port = None
