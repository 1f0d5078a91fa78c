"""Why a file cannot be read as a capture, as one line."""

from pathlib import Path

SHOWN = 60
"""Characters of an unreadable line that are shown."""


class CaptureError(ValueError):
    """A file that cannot be read as a capture; one line that names the file, where possible the line, and why."""


def unreadable_line(path: Path, number: int, line: bytes, expected: str) -> CaptureError:
    """An unreadable line of a text format.

    Args:
        path: the file
        number: of the line, from 1
        line: its text, or how it begins
        expected: what a line should look like
    """
    return CaptureError(f"{path}: line {number} is not readable as a capture: {printable(line)}; expected {expected}")


def not_readable(path: Path, reason: object) -> CaptureError:
    """A file that is not a capture, not of its format, or broken in a place without a line number."""
    return CaptureError(f"{path}: not readable as a capture: {reason}")


def printable(line: bytes) -> str:
    """How a line begins, in quotes, as printable ASCII on one line."""
    start = line[:SHOWN].rstrip(b"\r\n").decode("ascii", "backslashreplace")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in start)
    return f"'{text[:SHOWN]}'" + ("..." if len(line) > SHOWN or len(text) > SHOWN else "")
