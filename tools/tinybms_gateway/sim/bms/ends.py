"""What the line of the simulated TinyBMS ends in: a pseudo terminal, a serial port with a wire behind it, or TCP."""

import contextlib
import os
import socket
import tty
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import serial

from tinybms_gateway.bms.client import open_port

CONNECT_WITHIN_S = 2.0


class LineEnd(Protocol):
    """One end of a line, which can be pulled out and put in again."""

    name: str
    """The name under which it is found."""
    wire: bool
    """There is a wire behind it, which has its own speed, and a device that may go away."""
    served: bool
    """Another program serves it, which may start later, end, and start again."""

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
    served = False

    def __init__(self, link: Path) -> None:
        self.name = str(link)
        self._link = link
        self._fds: tuple[int, int] | None = None

    def open(self) -> int:
        """Make the pseudo terminal and its link.

        Raises:
            FileExistsError: the link would replace a file.
        """
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(f"{self._link}: a file exists there; give another name for the link")
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self._link)
        self._fds = (master, slave)
        return master

    def close(self) -> None:
        """Take the device away, as unplugging a USB cable does."""
        if self._fds is None:
            return
        with contextlib.suppress(OSError):  # a link that another program has made meanwhile stays
            if self._link.readlink() == Path(os.ttyname(self._fds[1])):
                self._link.unlink()
        for fd in self._fds:
            os.close(fd)
        self._fds = None


class SerialEnd:
    """A serial port of this machine at 115200 baud, such as a USB-TTL adapter on the UART of a gateway."""

    wire = True
    served = False

    def __init__(self, device: Path) -> None:
        self.name = str(device)
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """Open the port for this program alone.

        Raises:
            ValueError: it cannot be opened; says what to do.
        """
        self._port = open_port(self.name, timeout_s=0.0)
        return int(self._port.fileno())

    def close(self) -> None:
        """Leave the port: the wire is idle."""
        if self._port is not None:
            self._port.close()
        self._port = None


class SocketEnd:
    """A serial line that a program serves on TCP, such as the UART of an emulated chip."""

    wire = False
    served = True

    def __init__(self, url: str) -> None:
        """Take the address, as pyserial writes it; nothing is opened.

        Raises:
            ValueError: it is invalid.
        """
        self.name = url
        self._address = _address_of(url)
        self._connection: socket.socket | None = None

    def open(self) -> int:
        """Connect.

        Raises:
            OSError: nothing answers there.
        """
        connection = socket.create_connection(self._address, CONNECT_WITHIN_S)
        if connection.getsockname() == connection.getpeername():
            connection.close()  # while nobody listens on a port, Linux may connect it to itself
            raise ConnectionRefusedError("nothing listens there")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pieces go when they are due
        connection.setblocking(False)
        self._connection = connection
        return connection.fileno()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _address_of(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.scheme == "socket" and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # of a port that is not a number
        pass
    raise ValueError(f"{url}: is not a serial line on TCP; give socket://HOST:PORT")


def port_end(port: str) -> SerialEnd | SocketEnd:
    """What a user names: a device, or a URL.

    Raises:
        ValueError: an invalid URL.
    """
    return SocketEnd(port) if "://" in port else SerialEnd(Path(port))
