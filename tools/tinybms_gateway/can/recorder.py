"""The files of a recording, one after another."""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import can

from tinybms_gateway.can.writer import CaptureFile, split_name

SYNC_EVERY_S = 0.9
"""Time after which everything is written to the disk: a power cut costs less than a second."""
MEGABYTE = 1_000_000
MOST_A_SECOND = 999


@dataclass(frozen=True)
class Rotation:
    """When a new file starts."""

    every_s: float | None = None
    size_mb: float | None = None
    keep: int | None = None
    """How many of the newest files are kept, including earlier recordings under the same name; None: all."""

    def __bool__(self) -> bool:
        return self.every_s is not None or self.size_mb is not None


class Recorder:
    """Writes frames; with a rotation the files are named after their start time."""

    def __init__(self, path: Path, rotation: Rotation, *, force: bool = False) -> None:
        """Create the first file, so that an unwritable place is noticed at once.

        Raises:
            OSError: it cannot be created; `FileExistsError` if it exists and may not be overwritten.
        """
        self.files: list[Path] = []
        """Files of this recording that still exist, oldest first."""
        self.frames = 0
        """Frames written to files, including files removed since."""
        self.left_out = 0
        """Frames that the format cannot hold."""
        self._path = path
        self._rotation = rotation
        self._force = force
        self._file: CaptureFile | None = None
        self._began = self._synced = 0.0
        self._last_name = "", 0
        self._open()

    def write(self, message: can.Message) -> None:
        """Add a frame."""
        file = self._file or self._open()
        file.write(message)
        if self._rotation.size_mb is not None and file.size >= self._rotation.size_mb * MEGABYTE:
            self.close()

    def tick(self) -> None:
        """Call it often: writes the frames to the disk, and starts a new file when it is due."""
        file, now = self._file, time.monotonic()
        if file is None:
            return
        if self._rotation.every_s is not None and now >= self._began + self._rotation.every_s and file.frames:
            self.close()
        elif now >= self._synced + SYNC_EVERY_S:
            file.sync()
            self._synced = now

    def close(self) -> None:
        """Close the current file."""
        file, self._file = self._file, None
        if file is not None:
            self.left_out += file.left_out
            self.frames += file.frames
            file.close()

    def _open(self) -> CaptureFile:
        path = self._next_name() if self._rotation else self._path
        file = CaptureFile(path, force=self._force and not self._rotation)
        self._file = file
        self.files.append(path)
        self._began = self._synced = time.monotonic()
        self._take_old_ones_away()
        return file

    def _next_name(self) -> Path:
        """Names sort by time; a name of this recording is not reused after its file was removed."""
        stem, suffix = split_name(self._path)
        second = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        first = self._last_name[1] + 1 if self._last_name[0] == second else 1
        for number in range(first, MOST_A_SECOND + 1):
            path = self._path.with_name(f"{stem}_{second}{f'_{number:03}' if number > 1 else ''}{suffix}")
            if not path.exists():
                self._last_name = second, number
                return path
        raise FileExistsError(f"{self._path}: more than {MOST_A_SECOND} files in a second; let them grow larger")

    def _take_old_ones_away(self) -> None:
        if self._rotation.keep is None:
            return
        stem, suffix = split_name(self._path)
        ours = re.compile(rf"{re.escape(stem)}_\d{{8}}T\d{{6}}Z(_\d{{3}})?{re.escape(suffix)}")
        present = sorted(path for path in self._path.parent.iterdir() if ours.fullmatch(path.name))
        for path in present[: -self._rotation.keep]:
            path.unlink(missing_ok=True)
            if path in self.files:
                self.files.remove(path)
