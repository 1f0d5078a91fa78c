"""The CAN bus that a user names in one word."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import can
import serial

from tinybms_gateway.can.protocol import BITRATE

HELP = (
    "socketcand:PORT or socketcand:HOST:PORT (the gateway on Linux), socketcan:can0, slcan:/dev/ttyACM0 (a CANable) or "
    "slcan:HOST:PORT, or any other python-can interface as NAME:CHANNEL."
)


@contextlib.contextmanager
def open_bus(backend: str, bitrate: int = BITRATE) -> Iterator[can.BusABC]:
    """Open a bus, and shut it down when the context ends.

    Args:
        backend: see `HELP`
        bitrate: bit/s, for adapters that need it

    Raises:
        ValueError: the name is invalid, or the bus cannot be opened.
    """
    kind, channel = check_name(backend)
    try:
        bus = _open(kind, channel, bitrate)
    except Exception as error:  # an adapter's library that is not installed may raise anything
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ValueError(f"CAN bus '{backend}': {reason}{_advice(kind, channel, error)}") from error
    try:
        yield bus
    finally:
        bus.shutdown()


def check_name(backend: str) -> tuple[str, str]:
    """Kind and channel of a bus, which need not exist yet.

    Raises:
        ValueError: the name is invalid.
    """
    kind, _, channel = backend.partition(":")
    if not kind or not channel:
        raise ValueError(f"CAN bus '{backend}': give {HELP}")
    if kind not in can.VALID_INTERFACES:
        raise ValueError(f"CAN bus '{backend}': unknown interface '{kind}'; give {HELP}")
    port = channel.rpartition(":")[2]
    if kind == "socketcand" and not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f"CAN bus '{backend}': '{port}' is not a port; give 1..65535")
    return kind, channel


def _advice(kind: str, channel: str, error: Exception) -> str:
    """What to check when a bus of a common kind cannot be opened."""
    if not isinstance(error, OSError | can.CanError) or "in use" in str(error):
        return ""
    if kind == "socketcan":
        return f"; is the adapter connected? Then: sudo ip link set {channel} up type can bitrate {BITRATE}"
    if kind == "slcan" and not _on_tcp(channel):
        return "; is the adapter connected, and are you in the dialout group?"
    if isinstance(error, ConnectionRefusedError):
        return "; is the gateway running? See tinybms-gw gateway --help"
    return ""


def receive_until(bus: can.BusABC, deadline: float) -> Iterator[can.Message]:
    """Frames as they arrive, until a time of `time.monotonic`.

    Raises:
        ConnectionError: the bus has disappeared.
    """
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = bus.recv(min(left, 0.2))
        except (can.CanError, OSError) as error:
            raise ConnectionError("the CAN bus has disappeared") from error
        if message is not None:
            yield message
        elif connection_closed(bus):
            raise ConnectionError("the CAN bus has disappeared")


def connection_closed(bus: can.BusABC) -> bool:
    """Whether a socketcand server has closed its connection, which python-can mistakes for a quiet bus."""
    connection = getattr(bus, "_SocketCanDaemonBus__socket", None)
    if not isinstance(connection, socket.socket):
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _open(kind: str, channel: str, bitrate: int) -> can.BusABC:
    if kind == "socketcand":
        host, _, port = channel.rpartition(":")
        return _socketcand(host or "127.0.0.1", int(port))
    if kind == "slcan":
        if channel.startswith("/") and not Path(channel).exists():
            raise OSError("no such port")
        port = f"socket://{channel}" if _on_tcp(channel) else channel
        bus = can.Bus(interface="slcan", channel=port, bitrate=bitrate, sleep_after_open=0)
        _lock(bus)
        return bus
    return can.Bus(interface=kind, channel=channel, bitrate=bitrate)


def _on_tcp(channel: str) -> bool:
    """Whether an slcan adapter is named as HOST:PORT, as the gateway's own --can has it."""
    return re.fullmatch(r"[^/]+:\d+", channel) is not None


def _lock(bus: can.BusABC) -> None:
    """Refuse an adapter that another program of ours reads: each would get half of the frames."""
    port = getattr(bus, "serialPortOrig", None)
    if not isinstance(port, serial.Serial):
        return
    try:
        port.exclusive = True
    except OSError:
        bus.shutdown()
        raise OSError("in use by another program") from None


def _socketcand(host: str, port: int) -> can.BusABC:
    # python-can would silently retry a refused connection for 10 s.
    socket.create_connection((host, port), timeout=2.0).close()
    return can.Bus(interface="socketcand", host=host, port=port, channel="can0", tcp_tune=True)
