"""Writing of capture files with python-can's writers: the formats, what each loses, how frames reach the disk."""

import errno
import gzip
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import can

SAVED_ERRORS = (errno.EINVAL, errno.ENOTSUP)
"""What `fdatasync` says of files that are on no disk."""


@dataclass(frozen=True)
class Format:
    """A format of capture files."""

    loses: str
    """What does not come back when it is read."""
    not_recorded: str = ""
    """Why the bus is not recorded in it; empty: it is."""
    binary: bool = False


FORMATS = {
    ".log": Format("details of error frames"),
    ".blf": Format("names of channels (their numbers stay), and a clock before 1990", binary=True),
    ".trc": Format("error, remote and CAN FD frames, and names of channels (their numbers stay)"),
    ".asc": Format("the clock: times count from the first frame", "it loses the time of day"),
    ".csv": Format("direction and channel", "it loses direction and channel"),
    ".mf4": Format(
        "names of channels (their numbers stay)", "a power cut would lose all of it, not just a second", binary=True
    ),
}
"""By the end of the name; all but `UNZIPPED` may be followed by `.gz`."""
BUFFER_BYTES = 4_000_000
"""More than a full bus brings between two moments of `sync`, so that the file in between never ends in half a line."""
UNZIPPED = (".blf", ".mf4")
_WRITERS: dict[str, Callable[..., can.io.generic.FileIOMessageWriter]] = {  # type: ignore[type-arg]
    ".log": can.CanutilsLogWriter,
    ".blf": can.BLFWriter,
    ".trc": can.TRCWriter,
    ".asc": can.ASCWriter,
    ".csv": can.CSVWriter,
}


def split_name(path: Path) -> tuple[str, str]:
    """A file's name without its format, and its format with `.gz`; that is empty if it is none of ours."""
    name = path.name
    bare = name[:-3] if name.lower().endswith(".gz") else name
    stem, dot, suffix = bare.rpartition(".")
    format_name = f".{suffix.lower()}"
    if not dot or not stem or format_name not in FORMATS or (bare != name and format_name in UNZIPPED):
        return name, ""
    return stem, name[len(stem) :]


def format_of(path: Path) -> str:
    """The format that a name says, without `.gz`: one of `FORMATS`; empty: none of them."""
    return split_name(path)[1].lower().removesuffix(".gz")


class GzipMembers(io.BufferedIOBase):
    """A gzip file of which all that is flushed is whole, because each flush ends a member (RFC 1952 allows many)."""

    MEMBER_BYTES = 1_000_000

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = bytearray()
        self.name = file.name

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Take bytes."""
        self._pending += data
        if len(self._pending) >= self.MEMBER_BYTES:
            self._end_member()
        return len(data)

    def flush(self) -> None:
        """Hand all that there is to the operating system."""
        if not self._file.closed:
            self._end_member()
            self._file.flush()

    def fileno(self) -> int:
        """That of the file."""
        return self._file.fileno()

    def tell(self) -> int:
        """Bytes in the file."""
        return self._file.tell()

    def close(self) -> None:
        """Flush and close."""
        try:
            super().close()
        finally:
            self._pending.clear()
            self._file.close()

    def _end_member(self) -> None:
        if self._pending:
            member = gzip.compress(bytes(self._pending), compresslevel=6, mtime=0)
            self._pending.clear()
            self._file.write(member)


class CaptureFile:
    """A capture file being written."""

    def __init__(self, path: Path, like: Path | None = None, *, force: bool = False) -> None:
        """Create it.

        Args:
            path: the file
            like: its name says the format, and stands in the file where the format has a place for it; default: `path`
            force: overwrite an existing file

        Raises:
            FileExistsError: it exists.
            OSError: it cannot be created.
        """
        like = like or path
        self.path = path
        self.frames = 0
        self.left_out = 0
        """Frames that the format cannot hold."""
        self._synced_frames = 0
        self._format = format_of(like)
        self._file: BinaryIO = path.open("wb" if force else "xb", buffering=BUFFER_BYTES)
        if like.name.lower().endswith(".gz"):
            self._file = cast("BinaryIO", GzipMembers(self._file))
        self._writer: can.io.generic.FileIOMessageWriter = self._new_writer()  # type: ignore[type-arg]
        if isinstance(self._writer, can.TRCWriter):
            self._writer.filepath = str(like.absolute())

    def write(self, message: can.Message) -> None:
        """Add a frame."""
        if self._format == ".trc" and (message.is_error_frame or message.is_remote_frame or message.is_fd):
            self.left_out += 1
            return
        self._writer.on_message_received(message)
        self.frames += 1

    def sync(self) -> None:
        """Write all frames to the disk, in a file that is readable even if nothing is ever added to it."""
        if self.frames == self._synced_frames:
            return
        self._synced_frames = self.frames
        if self._format == ".blf":
            self._sync_blf()
            return
        self._writer.file.flush()
        self._to_disk()

    @property
    def size(self) -> int:
        """Bytes of the file, about: a few kB of text may be missing, and what of a `.gz` is not compressed yet."""
        return self._writer.file_size() if self._format == ".blf" else self._file.tell()

    def close(self) -> None:
        """Write it to the disk and close it; it is closed even if writing fails."""
        try:
            self._writer.stop()
        finally:
            self._file.close()

    def _sync_blf(self) -> None:
        """End the container and write the header anew, by closing the file: its writer has no other way to say it."""
        self._writer.stop()
        self._file = self.path.open("rb+", buffering=BUFFER_BYTES)
        self._writer = can.BLFWriter(self._file, append=True)
        self._to_disk()

    def _to_disk(self) -> None:
        try:
            os.fdatasync(self._file.fileno())
        except OSError as error:
            if error.errno not in SAVED_ERRORS:
                raise

    def _new_writer(self) -> can.io.generic.FileIOMessageWriter:  # type: ignore[type-arg]
        if FORMATS[self._format].binary:
            return _WRITERS[self._format](self._file)
        text = io.TextIOWrapper(self._file, encoding="utf-8", newline="\n")
        return _WRITERS[self._format](text, channel="can0")
