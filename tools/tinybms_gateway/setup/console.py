"""The console of a gateway on its serial cable: what only somebody with the device in hand may do."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

from tinybms_gateway.foreign_text import shortened

BAUD = 115200
ANSWER = "console: "
ASK_EVERY_S = 3.0
WITHIN_S = 30.0
"""Opening some ports restarts the chip, which then takes a moment."""
RESET_WITHIN_S = 15.0
LONGEST_LINE = 1000
PIECE = 256
CODE = re.compile(r"set-up code(?: is)?:? ([A-Z0-9]{5})-?([A-Z0-9]{5})$")
ABOUT_CODE = re.compile("set-up code")
ABOUT_COMMANDS = re.compile("commands: ")
ABOUT_RESET = re.compile("type: reset-password yes")
AFTER_RESET = re.compile("taken back|cannot be written|reset-password first")


class ConsoleError(ValueError):
    """The console does not answer, or not as that of a gateway."""


class DeviceConsole:
    """Asks one question after another. Log lines come in between and are skipped."""

    def __init__(self, port: "serial.SerialBase", clock: Callable[[], float] = time.monotonic) -> None:
        """`port`: open, with a short timeout."""
        self._port = port
        self._clock = clock
        self._rest = b""

    def setup_code(self) -> str | None:
        """The set-up code as people read it, XXXXX-XXXXX; None: it is void, because a password is set.

        Raises:
            ConsoleError: there is no answer, or there is no code.
        """
        answer = self._ask("setup-code", ABOUT_CODE, WITHIN_S, again=True)
        if found := CODE.search(answer):
            return f"{found[1]}-{found[2]}"
        if "void" in answer:
            return None
        raise ConsoleError(f"the console says: {answer}")

    def reset_password(self) -> str:
        """Take back password and tokens; returns what was done, in the words of the console.

        Raises:
            ConsoleError: there is no answer, or it was refused.
        """
        self._ask("help", ABOUT_COMMANDS, WITHIN_S, again=True)
        self._ask("reset-password", ABOUT_RESET, RESET_WITHIN_S)
        answer = self._ask("reset-password yes", AFTER_RESET, RESET_WITHIN_S)
        if "taken back" not in answer:
            raise ConsoleError(f"the console says: {answer}")
        return answer

    def _ask(self, command: str, about: "re.Pattern[str]", within_s: float, *, again: bool = False) -> str:
        """The answer to a command.

        Args:
            command: one line
            about: the answer holds it; others are those of earlier commands
            within_s: longest time
            again: ask again while there is none
        """
        end, next_time, said = self._clock() + within_s, self._clock(), ""
        while (now := self._clock()) < end:
            if now >= next_time:
                self._port.write(f"\n{command}\n".encode())  # what somebody has typed before is a line of its own
                next_time = now + ASK_EVERY_S if again else end
            for line in self._lines():
                if line.startswith(ANSWER):
                    said = line.removeprefix(ANSWER)
                    if about.search(said):
                        return said
        raise ConsoleError(
            f"the console has not answered '{command}' in {within_s:g} s"
            + (f", but said '{shortened(said)}'; " if said else "; ")
            + "is the gateway's firmware on that chip, and does no other program use the port?"
        )

    def _lines(self) -> Iterator[str]:
        """Lines that have become complete."""
        self._rest += self._port.read(PIECE)
        *lines, rest = re.split(rb"[\r\n]+", self._rest)
        self._rest = rest[-LONGEST_LINE:]
        for line in lines:
            yield "".join(c for c in line.decode("utf-8", "replace") if c.isprintable()).strip()


@contextmanager
def open_console(device: str) -> Iterator[DeviceConsole]:
    """Open the port of a chip, if possible without a restart of it.

    Raises:
        OSError: it cannot be opened, or fails later.
    """
    port = serial.serial_for_url(device, BAUD, timeout=0.1, write_timeout=5.0, do_not_open=True)
    port.dtr = port.rts = False  # they lead to reset and boot pins
    try:
        port.open()
        with port:
            yield DeviceConsole(port)
    except serial.SerialException as error:
        raise OSError(f"{device}: {error.strerror or error}") from error
