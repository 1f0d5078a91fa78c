"""What the commands that talk to a BMS share: options for the line, completion of registers, consent to a change."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from tinybms_gateway.bms.client import BmsClient, LineError, open_bms
from tinybms_gateway.bms.table import registers
from tinybms_gateway.command_line import Seconds, UsageProblem, usage_errors
from tinybms_gateway.completion import completer, serial_ports

OpenBms = Callable[[], contextlib.AbstractContextManager[BmsClient]]


def on_line(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the serial line; the command receives an open client instead."""

    @click.option("--port", required=True, metavar="DEV", shell_complete=completer(serial_ports),
                  help="Serial port of the BMS, such as /dev/ttyUSB0.")  # fmt: skip
    @click.option("--timeout", type=Seconds(), default=0.3, show_default=True, metavar="S",
                  help="Time allowed for a complete answer.")  # fmt: skip
    @click.option("--retries", type=click.IntRange(0, 1000), default=10, show_default=True,
                  help="Retries per request.")  # fmt: skip
    @functools.wraps(command)
    def with_line(port: str, timeout: float, retries: int, **options: Any) -> None:
        with _line_errors(), usage_errors():
            command(lambda: open_bms(port, timeout, retries), **options)

    return with_line


@contextlib.contextmanager
def _line_errors() -> Iterator[None]:
    """Turn a BMS that does not answer into one line and exit status 1."""
    try:
        yield
    except LineError as error:
        raise click.ClickException(" ".join(str(error).split())) from error


def known_registers() -> list[tuple[str, str]]:
    """Names of the registers and what they mean, for completion."""
    return [(register.name, register.description) for register in registers()]


def require_consent_possible(yes: bool) -> None:
    """Refuse a change that nobody can confirm."""
    if not yes and not sys.stdin.isatty():
        raise UsageProblem("no terminal to ask on; nothing was written: give --yes to confirm in advance")


def ask(yes: bool) -> None:
    """Ask whether to continue."""
    if not yes and not click.confirm("write to the BMS?"):
        raise click.ClickException("nothing was written")
