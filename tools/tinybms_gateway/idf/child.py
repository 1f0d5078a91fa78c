"""A child process whose output is shown live and copied, on a pseudo terminal or through pipes."""

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType

CHUNK = 65536
END_WITHIN_S = ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))
"""How a child is told to end, and how long to wait each time."""
POLL_S = 0.2
START_WITHIN_S = 60.0

Sink = Callable[[bytes], None]


class Child:
    """A process in its own session; leaving the context ends it and what it has started."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str], stdio: tuple[int, int, int]) -> None:
        stdin, stdout, stderr = stdio
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell it to end, more and more firmly, unless it has ended well."""
        if kind is None and self.process.poll() is not None:
            return
        try:
            for number, patience in END_WITHIN_S:
                self.signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(patience)
                    break
        finally:
            self.signal(signal.SIGKILL)  # what it has started and left
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it, and what it has started, a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def no_copy() -> Sink:
    """For output that is only shown."""
    return lambda _data: None


def run_live(command: list[str], cwd: Path, env: dict[str, str], sink_of: Callable[[], Sink]) -> int:
    """Run a non-interactive command; its output goes live to ours, and to a sink for each stream.

    Returns its exit status.

    If ours goes to a terminal, the command sees a terminal too: colours and progress stay as they are.

    Raises:
        OSError: it cannot be started.
    """
    env = {**env, "PYTHONUNBUFFERED": "1"}
    with contextlib.ExitStack() as stack:
        if sys.stdout.isatty() and sys.stderr.isatty():
            out = err = stack.enter_context(_pseudo_terminal())
            outputs = {out.ours: [sink_of(), _writer("stdout")]}
        else:
            out, err = stack.enter_context(_pipe()), stack.enter_context(_pipe())
            outputs = {out.ours: [sink_of(), _writer("stdout")], err.ours: [sink_of(), _writer("stderr")]}
        child = stack.enter_context(Child(command, cwd, env, (subprocess.DEVNULL, out.theirs, err.theirs)))
        out.hand_over()
        err.hand_over()
        try:
            return _copy(child, outputs)
        except KeyboardInterrupt:
            child.signal(signal.SIGINT)
            _copy(child, outputs, seconds=END_WITHIN_S[0][1])
            raise


def run_on_terminal(
    command: list[str],
    cwd: Path,
    env: dict[str, str],
    sink: Sink,
    *,
    show: Sink,
    last_word: bytes,
    seconds: float | None,
) -> int:
    """Run a command that needs a terminal, on a pseudo terminal; keys go to it, its output to `show` and the sink.

    Args:
        command, cwd, env: what to run, where, with which variables
        sink: gets all output
        show: gets it too, for the user
        last_word: keys that end it
        seconds: end it this long after its first output; None: it ends by itself

    Returns:
        Its exit status.

    Raises:
        OSError: it cannot be started.
    """
    with (
        _pseudo_terminal() as terminal,
        Child(command, cwd, env, (terminal.theirs,) * 3) as child,
        _raw_keys() as keyboard,
    ):
        terminal.hand_over()
        keys = None if keyboard is None else (keyboard, terminal.ours)
        try:
            return _copy(child, {terminal.ours: [sink, show]}, keys, seconds, START_WITHIN_S)
        finally:
            if child.process.poll() is None:
                _say_goodbye(child, terminal.ours, last_word, sink)


def _say_goodbye(child: Child, terminal: int, last_word: bytes, sink: Sink) -> None:
    """Let a child that takes keys end by itself."""
    with contextlib.suppress(OSError):
        os.write(terminal, last_word)
    _copy(child, {terminal: [sink]}, seconds=END_WITHIN_S[0][1])


class _Time:
    """How long to continue: a number of seconds after the first output, for which it waits at most that long."""

    def __init__(self, seconds: float | None, wait: float) -> None:
        self._seconds = seconds
        self._begin = time.monotonic() + wait

    def begin(self) -> None:
        self._begin = min(self._begin, time.monotonic())

    @property
    def up(self) -> bool:
        return self._seconds is not None and time.monotonic() > self._begin + self._seconds


def _copy(
    child: Child,
    outputs: dict[int, list[Sink]],
    keys: tuple[int, int] | None = None,
    seconds: float | None = None,
    wait: float = 0.0,
) -> int:
    """Copy until all outputs have ended, or the child has and nothing more arrives, or the time is up."""
    limit = _Time(seconds, wait)
    with selectors.DefaultSelector() as selector:
        for descriptor in (*outputs, *(keys[:1] if keys else ())):
            selector.register(descriptor, selectors.EVENT_READ)
        open_outputs = set(outputs)
        while open_outputs and not limit.up:
            ended = child.process.poll() is not None
            ready = {key.fd for key, _events in selector.select(POLL_S)}
            if ended and not open_outputs & ready:
                break
            for descriptor in ready:
                data = _read(descriptor)
                if not data:
                    selector.unregister(descriptor)
                    open_outputs.discard(descriptor)
                elif descriptor in outputs:
                    limit.begin()
                    for sink in outputs[descriptor]:
                        sink(data)
                elif keys is not None:
                    os.write(keys[1], data)
    if limit.up and child.process.poll() is None:
        return 0  # it ran for the requested time
    return child.process.wait()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError:  # a pseudo terminal whose other end is closed
        return b""


def _writer(name: str) -> Sink:
    stream = (sys.stdout if name == "stdout" else sys.stderr).buffer

    def write(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    return write


class _Ends:
    """Both ends of a pipe or a pseudo terminal: ours, and the one that a child gets."""

    def __init__(self, ours: int, theirs: int) -> None:
        self.ours = ours
        self.theirs = theirs

    def hand_over(self) -> None:
        """The child has its end: close our copy of it, or the end of the child's output would go unnoticed."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def close(self) -> None:
        self.hand_over()
        os.close(self.ours)


@contextlib.contextmanager
def _pipe() -> Iterator[_Ends]:
    with contextlib.closing(_Ends(*os.pipe())) as ends:
        yield ends


@contextlib.contextmanager
def _pseudo_terminal() -> Iterator[_Ends]:
    """One of the size of our own terminal, and following it."""
    with contextlib.closing(_Ends(*os.openpty())) as ends:

        def follow(_number: int = 0, _frame: FrameType | None = None) -> None:
            columns, rows = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else (80, 24)
            fcntl.ioctl(ends.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        follow()
        before = signal.signal(signal.SIGWINCH, follow)
        try:
            yield ends
        finally:
            signal.signal(signal.SIGWINCH, before)


@contextlib.contextmanager
def _raw_keys() -> Iterator[int | None]:
    """Descriptor of the keyboard, each key as it is pressed; None: there is none.

    Output stays as it was: it may also come from others, which end their lines in the usual way.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        yield None
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        raw = termios.tcgetattr(keyboard)
        raw[1] = before[1]
        termios.tcsetattr(keyboard, termios.TCSANOW, raw)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
