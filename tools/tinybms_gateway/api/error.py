"""What can go wrong between this program and a gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinybms_gateway.foreign_text import shortened

WRONG_ADDRESS = "is this the gateway's address?"


class GatewayError(Exception):
    """The gateway did not give what was asked for: what was seen, and what to do about it."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(f"{shortened(seen)}; {advice}")
        self.seen = shortened(seen)
        self.advice = advice


class UnreachableError(GatewayError):
    """Nobody answers there: nothing else need be requested."""


class SlowError(UnreachableError):
    """No answer in time."""


class NotAGatewayError(GatewayError):
    """Somebody answers, but not as a gateway does."""


class RefusedError(GatewayError):
    """The answer is an error."""

    def __init__(self, status: int, told: Mapping[str, Any], seen: str, advice: str) -> None:
        """`status`: of HTTP. `told`: the answer, if it is an error of a gateway, else empty."""
        super().__init__(seen, advice)
        self.status = status
        self.told = told
        self.error = shortened(str(told.get("error", "")))
        """Identifier of the error; empty: it is none of a gateway."""


class NotLoggedInError(RefusedError):
    """It wants to know who asks, and the password, code or token is missing or wrong."""


class NotAllowedError(RefusedError):
    """Who asks may not do this, or nobody may before the gateway is set up."""


class PausedError(RefusedError):
    """Too many wrong passwords or codes."""

    def __init__(self, status: int, told: Mapping[str, Any], seen: str, advice: str, retry_after_s: int) -> None:
        super().__init__(status, told, seen, advice)
        self.retry_after_s = retry_after_s


class BusyError(RefusedError):
    """It does something else that takes its time; nothing was done."""

    def __init__(self, status: int, told: Mapping[str, Any], seen: str, advice: str, retry_after_s: int) -> None:
        super().__init__(status, told, seen, advice)
        self.retry_after_s = retry_after_s


class ConflictError(RefusedError):
    """What was to be changed is not as the request supposed; nothing was done."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in a document."""

    path: str
    """Where, as a JSON pointer; empty: the whole document."""
    message: str

    def __str__(self) -> str:
        return f"{self.path.removeprefix('/') or 'as a whole'}: {self.message}"


class InvalidError(RefusedError):
    """The request holds values that cannot be; nothing was done."""

    def __init__(
        self, status: int, told: Mapping[str, Any], seen: str, advice: str, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(status, told, seen, advice)
        self.problems = list(problems)
