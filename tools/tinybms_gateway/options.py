"""What the commands share: errors as one line, logging, JSON output."""

import contextlib
import json
import logging
import math
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import click

LONGEST_S = 366 * 24 * 3600


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Turn errors that a user can cause into one line and exit status 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has left: click ends quietly
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise UsageProblem(" ".join(str(error).split())) from error
        raise UsageProblem(f"{error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise UsageProblem(" ".join(str(error).split())) from error


class Seconds(click.FloatRange):
    """A duration: a positive number of seconds, at most a year."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=LONGEST_S)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check and convert; a range alone lets NaN pass."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return seconds


class UsageProblem(click.ClickException):
    """Something that the user can put right; exit status 2, without the usage text."""

    exit_code = 2


def set_up_logging(verbose: bool) -> None:
    """Log to stderr, so that stdout is left to results."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname).1s %(name)s: %(message)s",
        force=True,
    )
    if not verbose:  # python-can tells its errors twice, once as an exception; numexpr how many threads it will use
        logging.getLogger("can").setLevel(logging.CRITICAL)
        logging.getLogger("numexpr").setLevel(logging.WARNING)


def end_in_order_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that children and temporary files are taken away."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2))
