"""What every check of a capture has: an id, a sentence, a source, and what it found."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from tinybms_gateway.can.decoder import DecodedBlock

KEPT = 20
"""Violations kept of each rule; the rest are only counted."""


@dataclass(frozen=True)
class Violation:
    """One place in a capture where a rule does not hold."""

    time_us: int
    frame: int | None
    """Index of the frame in the capture, from 0; None: it is the absence of a frame."""
    text: str
    """What is wrong, with the value found and what it should have been."""


@dataclass
class Rule(ABC):
    """A rule goes once through a capture, block by block, and remembers only what it needs."""

    id: str
    """Stable, for programs: ``period-351``, ``soc-resolution``, ..."""
    sentence: str
    """What must hold, in one sentence."""
    source: str
    """Where that is stated."""
    violations: list[Violation] = field(default_factory=list)
    """The first `KEPT` ones."""
    count: int = 0
    """All of them."""
    checked: int = 0
    """Frames, pairs or gaps that the rule has looked at; 0: it had nothing to look at."""
    not_applicable: str = "nothing to check in the capture"
    """Why, if it had nothing to look at."""

    @abstractmethod
    def take(self, decoded: DecodedBlock) -> None:
        """Look at the next block."""

    def finish(self, end_us: int) -> None:  # noqa: B027 - few rules look at the end
        """The capture ends; `end_us` is the time of its last frame."""

    def violated(self, time_us: int, frame: int | None, text: str) -> None:
        """Note a violation."""
        self.count += 1
        if len(self.violations) < KEPT:
            self.violations.append(Violation(time_us, frame, text))
