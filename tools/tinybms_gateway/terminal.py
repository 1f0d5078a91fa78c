"""What goes to a terminal, and what to anything else: the consoles of all commands are made here."""

import os
import sys

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 160
"""Columns of tables in files and pipes."""


class _PipeConsole(Console):
    def on_broken_pipe(self) -> None:
        """Leave the end to the command line, which knows the exit status for it; rich would take 1."""
        raise BrokenPipeError


def understands_escapes(*, stderr: bool = False) -> bool:
    """Whether colours and live views may be shown: a terminal that is not dumb, and nobody set NO_COLOR.

    Source: https://no-color.org, which counts the variable only when it is not empty.
    """
    stream = sys.stderr if stderr else sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    return bool(stream.isatty())


def make_console(*, stderr: bool = False) -> Console:
    """Make a console whose `is_terminal` says whether escape codes, and so live views, may be used."""
    allowed = understands_escapes(stderr=stderr)
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return _PipeConsole(stderr=stderr, force_terminal=allowed, no_color=not allowed, width=width)
