"""What a program wrote to a terminal, as lines of plain text."""

import re

LONGEST = 65536
"""Bytes without a line end that are taken as a line."""
_ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system commands: titles
    rb"|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Lines:
    """Assembles lines from bytes; a carriage return ends a line, unless a line end follows it."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def in_a_line(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """Take more; returns the lines that this completes."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            complete.append(self._rest)
            self._rest = b""
        return [text for line in complete for text in _plain(line)]

    def rest(self) -> list[str]:
        """What came after the last line end."""
        rest, self._rest = self._rest, b""
        return _plain(rest) if rest else []


def _plain(line: bytes) -> list[str]:
    text = _ESCAPES.sub(b"", line).decode("utf-8", "replace")
    steps = [step for step in text.split("\r") if step] or [""]
    return [_CONTROLS.sub("", step) for step in steps]
