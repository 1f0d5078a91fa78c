"""What goes to a terminal, and what to anything else: the consoles of all commands are made here."""

import os
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 200
"""Columns of tables in files and pipes."""


class _PipeConsole(Console):
    def on_broken_pipe(self) -> None:
        """Leave the end to the command line, which knows the exit status for it; rich would take 1."""
        raise BrokenPipeError


def make_console(*, stderr: bool = False) -> Console:
    """Make a console whose `is_terminal` says whether live views may be used.

    They may on a terminal that is not dumb. With NO_COLOR (https://no-color.org: when it is not empty) it writes
    neither colours nor bold; what a live view needs to redraw itself is not colour.
    """
    stream = sys.stderr if stderr else sys.stdout
    on_terminal = stream.isatty()
    live = on_terminal and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    return _PipeConsole(
        stderr=stderr,
        highlight=False,
        force_terminal=live,
        color_system=None if os.environ.get("NO_COLOR") or not live else "auto",
        width=None if on_terminal else WIDTH_WITHOUT_TERMINAL,
    )


def print_table(*columns: str, rows: list[list[str]]) -> None:
    """Print rows of text; without a heading when no column has one."""
    table = Table(*columns, box=None, show_header=any(columns))
    for row in rows:
        table.add_row(*map(Text, row))
    make_console().print(table)
