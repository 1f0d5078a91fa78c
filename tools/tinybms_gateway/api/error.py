"""What can go wrong between this program and a gateway."""

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

    def __init__(self, status: int, error: str, seen: str, advice: str) -> None:
        """`status`: of HTTP. `error`: identifier in the answer of a gateway, else empty."""
        super().__init__(seen, advice)
        self.status = status
        self.error = error
