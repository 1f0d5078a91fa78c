"""What one check found."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Result(str, Enum):
    """How a check ended; only `FAILED` fails the whole."""

    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"
    NOT_ASKED_FOR = "not asked for"


@dataclass(frozen=True)
class Finding:
    """One row of the table."""

    check: str
    result: Result
    seen: str
    """What was seen, one line."""
    advice: str = ""
    """What to do; empty: nothing."""

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self) | {"result": self.result.value}


def good(check: str, seen: str) -> Finding:
    """As it should be."""
    return Finding(check, Result.GOOD, seen)


def warning(check: str, seen: str, advice: str) -> Finding:
    """Works, and somebody should know."""
    return Finding(check, Result.WARNING, seen, advice)


def failed(check: str, seen: str, advice: str) -> Finding:
    """Not as it should be."""
    return Finding(check, Result.FAILED, seen, advice)


def not_asked_for(check: str, option: str) -> Finding:
    """Not checked, because the option for it was not given."""
    return Finding(check, Result.NOT_ASKED_FOR, "-", f"give {option} to check it")
