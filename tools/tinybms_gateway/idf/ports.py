"""Serial ports of ESP32 boards: which one is meant, and whether it can be used."""

import grp
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

VENDORS = {0x10C4: "CP210x", 0x1A86: "CH34x", 0x0403: "FTDI", 0x303A: "Espressif USB"}
"""USB vendors of the serial adapters on ESP32 boards, and of Espressif's chips with their own USB."""


@dataclass(frozen=True)
class Port:
    """A serial port that may lead to an ESP32."""

    device: str
    adapter: str
    """Its kind, and what it reports about itself."""

    def __str__(self) -> str:
        return f"{self.device} ({self.adapter})"


def candidates() -> list[Port]:
    """The serial ports with a USB adapter like those of ESP32 boards, by name."""
    return sorted(
        (
            Port(port.device, f"{VENDORS[port.vid]}, {port.product or port.description or 'unnamed'}")
            for port in list_ports.comports()
            if port.vid in VENDORS
        ),
        key=lambda port: port.device,
    )


def choose(given: str | None) -> tuple[str, str]:
    """The port to use, and how it was found, for people.

    Raises:
        ValueError: none or several to choose from; the port is missing, not permitted or in use.
    """
    if given is not None:
        check(given)
        return given, "as given"
    found = candidates()
    if not found:
        raise ValueError(
            "no serial port with a USB adapter of an ESP32 board was found: connect a board, or give --port"
        )
    if len(found) > 1:
        raise ValueError(f"which one is the ESP32? choose one with --port: {', '.join(map(str, found))}")
    check(found[0].device)
    return found[0].device, f"the only one: {found[0].adapter}"


def check(device: str) -> None:
    """Check that a port can be used. Addresses such as rfc2217://HOST:PORT are left to the program that opens them.

    Raises:
        ValueError: it cannot, and what to do.
    """
    if "://" in device:
        return
    path = Path(device)
    if not path.exists():
        there = ", ".join(map(str, candidates()))
        raise ValueError(f"there is no {device}; " + (f"there is {there}" if there else "is the board connected?"))
    if not stat.S_ISCHR(path.stat().st_mode):
        raise ValueError(f"{device} is not a serial port")
    if not os.access(path, os.R_OK | os.W_OK):
        group = _group(path)
        raise ValueError(
            f"no permission for {device}: sudo usermod -aG {group} $USER, then log in again (group {group})"
        )
    holder = user_of(path)
    if holder:
        raise ValueError(f"{device} is in use by {holder}: close that first")


def user_of(device: Path) -> str:
    """Which process has a port open; empty: none that we can see. Opening it to see would reset the board."""
    target = device.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.readlink() == target for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"process {process.name} ({name})"
        except OSError:
            continue  # another user's, or gone
    return ""


def _group(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
