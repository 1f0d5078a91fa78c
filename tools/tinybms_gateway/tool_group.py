"""How every command ends: its exit status, and one line instead of a traceback."""

import contextlib
import logging
import os
import sys
from typing import Any

import click

from tinybms_gateway.command_group import CommandGroup

log = logging.getLogger(__name__)

CHECK_FAILED = 1
USAGE = 2
DEFECT = 70
"""EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""128 + SIGINT, as a shell reports it."""
READER_LEFT = 141
"""128 + SIGPIPE."""
TERMINATED = 143
"""128 + SIGTERM; SIGHUP is 129."""

EXIT_STATUSES = {
    0: "good",
    CHECK_FAILED: "a check failed, or a device did not do what it was told",
    USAGE: "something to put right: an option, a file, a device or a bus; one line says what",
    DEFECT: "a defect of this program; -v shows where",
    INTERRUPTED: "Ctrl-C, in a command that has no good end by it",
    READER_LEFT: "whoever read the output has gone, as `head` does; nothing is said",
    TERMINATED: "ended by SIGTERM (129: by SIGHUP), children and temporary files are gone",
}
"""What the exit statuses of all commands mean."""


class ToolGroup(CommandGroup):
    """The outermost group; its option `verbose` shows tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and end as `EXIT_STATUSES` says."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a reader who has left is noticed here, not when the interpreter ends
        except (click.exceptions.Exit, click.ClickException):
            raise
        except (KeyboardInterrupt, click.Abort):
            with contextlib.suppress(OSError):
                click.echo("\ninterrupted", err=True)
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            _forget_output()
            raise SystemExit(READER_LEFT) from None
        except Exception as error:
            log.debug("%s", type(error).__name__, exc_info=True)
            message = " ".join(str(error).split())
            hint = "" if ctx.params.get("verbose") else "; 'tinybms-gw -v ...' shows where"
            click.echo(f"Error: a defect of tinybms-gw: {type(error).__name__}: {message}{hint}", err=True)
            raise SystemExit(DEFECT) from error


def _forget_output() -> None:
    """Let what is still buffered go nowhere: writing it would fail again."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w", encoding="ascii") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
