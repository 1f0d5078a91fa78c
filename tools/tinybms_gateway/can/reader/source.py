"""A capture file as a stream of bytes, whether compressed or not, that no content can make grow in memory."""

import io
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import cast

from isal import igzip, isal_zlib

from tinybms_gateway.can.reader.error import not_readable, unreadable_line

READ_AHEAD = 1 << 16
LONGEST_LINE = 4096
_BROKEN = (OSError, EOFError, zlib.error, cast(type[Exception], isal_zlib.IsalError))
"""What reading raises, compressed or not."""
_unzip = cast(Callable[..., io.BufferedReader], igzip.IGzipFile)
_BEGINNINGS = {
    ".blf": b"LOGG",
    ".mf4": b"MDF     ",
    ".trc": b";",
    ".csv": b"timestamp,",
}
"""How each file of a format begins."""
_KINDS = {
    b"LOGG": "it is a BLF file: give it a name that ends with .blf",
    b"MDF     ": "it is an MF4 file: give it a name that ends with .mf4",
    b"\x1f\x8b": "it is compressed: give it a name that ends with .gz",
    b"PK\x03\x04": "it is a zip archive: unpack it first",
    b";$FILEVERSION": "it is a TRC file: give it a name that ends with .trc",
    b"date ": "it is an ASC file: give it a name that ends with .asc",
    b"timestamp,": "it is a CSV file: give it a name that ends with .csv",
}
"""What a file that begins like this is."""


class Source:
    """A file that is read once, from its beginning."""

    def __init__(self, path: Path, suffix: str) -> None:
        """Open it.

        Args:
            path: a regular file; read through gzip when its name ends with .gz
            suffix: of the format that it should have

        Raises:
            CaptureError: missing, not a regular file, not permitted, not compressed, or of another format.
        """
        self.path = path
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise not_readable(path, "it is not a file" if not path.is_dir() else "it is a directory")
            self._file = path.open("rb")
        except OSError as error:
            raise not_readable(path, error.strerror) from error
        self.size = status.st_size
        """Bytes on the disk."""
        self._reached = 0
        self._failure: Exception | None = None
        compressed = path.suffix.lower() == ".gz"
        self._stream = (
            io.BufferedReader(_unzip(fileobj=self._file, mode="rb"), READ_AHEAD) if compressed else self._file
        )
        try:
            self._check_kind(suffix)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.close()
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the disk that have been read so far."""
        return max(self._reached, self._file.tell())

    def reached(self, part: float) -> None:
        """Say how far a reader is that opens the file itself; 1 is its end."""
        self._reached = round(part * self.size)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as there is content; 0 at the end.

        Raises:
            CaptureError: the file cannot be read, or is not a complete gzip file; all bytes before that place have been
                read.
        """
        filled = 0
        while self._failure is None and filled < len(buffer):
            try:
                count = self._stream.readinto1(buffer[filled:])
            except _BROKEN as error:
                self._failure = error
                break
            if not count:
                break
            filled += count
        if self._failure is not None and not filled:
            raise self._broken(self._failure) from self._failure
        return filled

    def read(self, count: int) -> bytes:
        """Some bytes, fewer at the end.

        Raises:
            CaptureError: as for `readinto`
        """
        buffer = bytearray(count)
        return bytes(memoryview(buffer)[: self.readinto(memoryview(buffer))])

    def _check_kind(self, suffix: str) -> None:
        try:
            start = self._stream.peek(16)[:16]
        except _BROKEN as error:
            raise self._broken(error) from error
        beginning = _BEGINNINGS.get(suffix)
        if not start or (beginning and start.startswith(beginning)):
            return
        kind = next((text for known, text in _KINDS.items() if start.startswith(known) and suffix not in text), None)
        if kind or beginning:
            raise not_readable(self.path, kind or f"it does not begin like a {suffix} file")

    def _broken(self, error: Exception) -> Exception:
        if isinstance(error, EOFError):
            return not_readable(self.path, "the compressed file is cut off")
        return not_readable(self.path, getattr(error, "strerror", None) or f"damaged: {error}")


class LineFile:
    """What the text readers of python-can need of a file: its lines; remembers the one that was read last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines = self._read()
        self.number = 0
        """Of the line that was read last, from 1."""
        self.line = b""

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def __next__(self) -> str:
        return next(self._lines)

    def close(self) -> None:
        """Whoever opened the source closes it."""

    def _read(self) -> Iterator[str]:
        rest = b""
        while chunk := self._source.read(READ_AHEAD):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield self._note(line)
            if len(rest) > LONGEST_LINE:
                self._note(rest)
        if rest:
            yield self._note(rest)

    def _note(self, line: bytes) -> str:
        self.number += 1
        self.line = line
        if len(line) > LONGEST_LINE:
            raise unreadable_line(self._source.path, self.number, line, "a shorter line")
        return line.decode("utf-8", "replace") + "\n"
