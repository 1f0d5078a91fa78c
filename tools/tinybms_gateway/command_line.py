"""What the commands share: lazy groups and imports, how a command ends and is stopped, options, output."""

import contextlib
import json
import logging
import math
import os
import pkgutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import FrameType, ModuleType
from typing import Any

import click

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
    0: "success",
    CHECK_FAILED: "a check failed, or a device did not carry out a request",
    USAGE: "something to fix: an option, a file, a device or a bus; one line says what",
    DEFECT: "a bug in this program; -v shows where",
    INTERRUPTED: "Ctrl-C, in a command that does not normally end that way",
    READER_LEFT: "the reader of the output has gone, as `head` does; there is no message",
    TERMINATED: "ended by SIGTERM (129: by SIGHUP); children and temporary files are removed",
}
"""What the exit statuses of all commands mean."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_S = 366 * 24 * 3600


class LazyGroup(click.Group):
    """A group that names its commands by import path and imports one only when it is looked up.

    Its help shows each command's first sentence in full; click would cut it off on a narrow terminal.
    """

    def __init__(self, *arguments: Any, paths: Mapping[str, str] | None = None, **settings: Any) -> None:
        """`paths`: name of a command -> ``package.module:object``."""
        super().__init__(*arguments, **settings)
        self.paths = dict(paths or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, imported or not."""
        return sorted({*super().list_commands(ctx), *self.paths})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, the first time."""
        if cmd_name in self.paths and cmd_name not in self.commands:
            self.add_command(pkgutil.resolve_name(self.paths[cmd_name]), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section of the commands."""
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [
            (name, command.get_short_help_str(limit=500)) for name, command in named if command and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _LazyFinder:
    """Finds the modules of this package, and delays running their code until an attribute is used."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname.startswith(f"{__package__}.") else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextlib.contextmanager
def lazy_imports() -> Iterator[None]:
    """Modules of this package that are imported in this block load when they are first used.

    A command imports in it what only its work needs, so that its help does not wait for python-can or matplotlib. Write
    ``from package import module`` and quote annotations that name the module; a name imported from it would load it at
    once.
    """
    finder = _LazyFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def load(*modules: ModuleType) -> None:
    """Load modules of a `lazy_imports` block now: before threads that would load them, because nothing locks that."""
    for module in modules:
        vars(module)


class ToolGroup(LazyGroup):
    """The outermost group; its option `verbose` shows tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and end as `EXIT_STATUSES` says."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a reader who has gone is noticed here, not when the interpreter ends
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
            click.echo(f"Error: a bug in tinybms-gw: {type(error).__name__}: {message}{hint}", err=True)
            raise SystemExit(DEFECT) from error


def _forget_output() -> None:
    """Discard what is still buffered: writing it would fail again."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w", encoding="ascii") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


class UsageProblem(click.ClickException):
    """Something that the user can fix; exit status 2, without the usage text."""

    exit_code = USAGE


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Turn errors that a user can cause into one line and exit status 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone: click ends quietly
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise UsageProblem(" ".join(str(error).split())) from error
        raise UsageProblem(f"{error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise UsageProblem(" ".join(str(error).split())) from error


def consent(question: str, yes: bool, left: str) -> None:
    """Ask whether to continue, unless `yes`; otherwise end with what was left as it is.

    Raises:
        UsageProblem: there is no terminal to ask on.
        click.ClickException: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageProblem(f"no terminal to ask on; {left}: give --yes to confirm in advance")
    if not click.confirm(question, err=True):
        raise click.ClickException(left)


def end_in_order_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that children and temporary files are removed."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the block, wherever it is, as a good end."""
    with _handled_by(signal.default_int_handler), contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def stop_event() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set, for work that may not be interrupted just anywhere."""
    event = threading.Event()
    with _handled_by(lambda _number, _frame: event.set()):
        yield event


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


class Seconds(click.FloatRange):
    """A duration: a positive number of seconds, at most a year."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=LONGEST_S)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check and convert; a range alone lets NaN pass."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is not a number of seconds", param, ctx)
        return seconds


def set_up_logging(verbose: bool) -> None:
    """Log to stderr, so that stdout is left to results."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname).1s %(name)s: %(message)s",
        force=True,
    )
    if not verbose:  # python-can reports its errors twice, once as an exception; numexpr how many threads it will use
        logging.getLogger("can").setLevel(logging.CRITICAL)
        logging.getLogger("numexpr").setLevel(logging.WARNING)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2))
