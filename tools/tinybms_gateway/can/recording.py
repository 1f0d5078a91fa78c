"""Recording a bus to files.

A thread reads the bus and does nothing else: neither a slow disk nor the table on the screen holds it up.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import can

from tinybms_gateway.can.bus import open_bus, receive_until
from tinybms_gateway.can.capture_statistics import Statistics
from tinybms_gateway.can.recorder import Recorder, Rotation
from tinybms_gateway.can.writer import FORMATS, UNZIPPED, format_of
from tinybms_gateway.command_line import stop_event

WRITE_EVERY_S = 0.05


@dataclass(frozen=True)
class Job:
    """What to record."""

    backend: str
    path: Path
    bitrate: int
    seconds: float | None = None
    count: int | None = None
    rotation: Rotation = field(default_factory=Rotation)
    force: bool = False


@dataclass(frozen=True)
class Recorded:
    """What was recorded."""

    files: tuple[Path, ...]
    """Those that still exist, oldest first."""
    frames: int
    left_out: int
    """Frames that the format cannot hold."""
    seconds: float
    ended_by: str
    """``count``, ``time`` or ``signal``."""
    statistics: Statistics

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "file": str(self.files[-1]),
            "files": [str(path) for path in self.files],
            "frames": self.frames,
            "left_out": self.left_out,
            "seconds": round(self.seconds, 3),
            "ended_by": self.ended_by,
            "ids": self.statistics.counts(),
        }

    def __str__(self) -> str:
        seen = self.statistics.seen
        unknown = sum(not self.statistics.is_known(key) for key in seen)
        where = str(self.files[-1]) if len(self.files) == 1 else f"{len(self.files)} files, the last {self.files[-1]}"
        lost = f", {self.left_out} more that {format_of(self.files[-1])} cannot hold" if self.left_out else ""
        return (
            f"{where}: {self.frames} frames in {self.seconds:.1f} s, {len(seen)} identifiers, {unknown} unknown{lost}"
        )


def check_capture_path(path: Path) -> None:
    """Refuse file formats that lose something.

    Raises:
        ValueError: names the formats that do not.
    """
    name = format_of(path)
    if not name or FORMATS[name].not_recorded:
        good = [n for n, kind in FORMATS.items() if not kind.not_recorded]
        endings = ", ".join([*good, *(f"{n}.gz" for n in good if n not in UNZIPPED)])
        why = f" (not {name}: {FORMATS[name].not_recorded})" if name else ""
        raise ValueError(f"{path}: give a name that ends with {endings}{why}")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such directory")


def capture(job: Job, statistics: Statistics, on_tick: Callable[[], None] = lambda: None) -> Recorded:
    """Record until the time is up, the count is reached, or a signal says stop.

    Args:
        job: what to record
        statistics: counts what comes
        on_tick: called about twenty times a second

    Raises:
        ValueError: the bus or the file cannot be opened.
        OSError: the file cannot be written; `ConnectionError`: the bus has disappeared. Earlier frames are in the file.
    """
    check_capture_path(job.path)
    _check_not_there(job)
    began = time.monotonic()
    deadline = began + (math.inf if job.seconds is None else job.seconds)
    with open_bus(job.backend, job.bitrate) as bus:
        recorder = Recorder(job.path, job.rotation, force=job.force)
        try:
            with stop_event() as stop, _Receiver(bus, deadline) as receiver:
                ended_by = _record(receiver, recorder, statistics, job.count, stop, on_tick)
            recorder.close()
        except OSError as error:
            _close_quietly(recorder)
            raise _with_frames(error, recorder) from error
        except BaseException:
            _close_quietly(recorder)
            raise
    files = tuple(recorder.files)
    return Recorded(files, recorder.frames, recorder.left_out, time.monotonic() - began, ended_by, statistics)


class _Receiver:
    """A thread that takes frames off a bus."""

    def __init__(self, bus: can.BusABC, deadline: float) -> None:
        self.waiting: deque[can.Message] = deque()
        self.error: Exception | None = None
        self._bus = bus
        self._deadline = deadline
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def __enter__(self) -> "_Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._ended and (now := time.monotonic()) < self._deadline:
                for message in receive_until(self._bus, min(now + 0.2, self._deadline)):
                    self.waiting.append(message)
        except Exception as error:  # an adapter's library may raise anything; the writer reports it
            self.error = error


def _record(
    receiver: _Receiver,
    recorder: Recorder,
    statistics: Statistics,
    count: int | None,
    stop: threading.Event,
    on_tick: Callable[[], None],
) -> str:
    """Write what the receiver delivers; returns what ended it.

    Raises:
        OSError: the file cannot be written, or the bus has disappeared (`ConnectionError`).
    """
    while True:
        stopped = stop.wait(WRITE_EVERY_S)
        running = receiver.running  # before the frames are taken: none comes after the last one
        now = time.monotonic()
        for _ in range(len(receiver.waiting)):
            message = receiver.waiting.popleft()
            recorder.write(message)
            statistics.take(message, now)
            if statistics.frames == count:
                return "count"
        recorder.tick()
        on_tick()
        if receiver.error is not None and not running:
            raise ConnectionError(str(receiver.error) or type(receiver.error).__name__) from receiver.error
        if stopped or not running:
            return "signal" if stopped else "time"


def _check_not_there(job: Job) -> None:
    if not job.rotation and job.path.exists() and not job.force:
        raise ValueError(f"{job.path}: already exists; give another name, or --force to overwrite it")


def _close_quietly(recorder: Recorder) -> None:
    """After an error, the file keeps what it has, and that error is the one reported."""
    try:
        recorder.close()
    except (OSError, ValueError):
        return


def _with_frames(error: OSError, recorder: Recorder) -> OSError:
    where = recorder.files[-1] if recorder.files else ""
    kind = ConnectionError if isinstance(error, ConnectionError) else OSError
    return kind(f"{where}: {error.strerror or error}; {recorder.frames} frames were recorded before")
