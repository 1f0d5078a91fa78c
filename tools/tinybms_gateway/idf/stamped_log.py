"""A log of what arrives on a line, with the time of each line."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tinybms_gateway.idf.build_log import utc_now
from tinybms_gateway.idf.lines import Lines


class StampedLog:
    """Appends to a file: a header, each line with the time at which it began, an end. Written line by line, so that at
    most the last line is lost, however the program ends."""

    def __init__(self, path: Path, header: list[str], now: Callable[[], str] = utc_now) -> None:
        """Open it.

        Raises:
            OSError: it cannot be written.
        """
        self._now = now
        self._lines = Lines()
        self._began = ""
        self._file = path.open("a", encoding="utf-8", buffering=1)
        for line in header:
            self._file.write(f"# {line}\n")

    def __enter__(self) -> "StampedLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            self._write(self._lines.rest())
            self._file.write(f"# ended {self._now()}\n")

    def feed(self, data: bytes) -> None:
        """Add what has just arrived."""
        if not self._lines.in_a_line:
            self._began = self._now()
        lines = self._lines.feed(data)
        if lines:
            self._write(lines[:1])
            self._began = self._now()
            self._write(lines[1:])

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._file.write(f"{self._began} {line}\n" if line else f"{self._began}\n")
