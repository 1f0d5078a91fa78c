"""What a check of a capture found."""

from dataclasses import dataclass
from typing import Any

from tinybms_gateway.can.verify.figures import Figures
from tinybms_gateway.can.verify.rule import Rule, Violation

PASSED, VIOLATED, WAIVED, NOT_APPLICABLE = "passed", "violated", "waived", "not applicable"
VICTRON, GATEWAY = "Victron", "gateway"


def origin(source: str) -> str:
    """Whose rule it is: Victron's, which every battery must keep, or this gateway's."""
    return VICTRON if source.startswith(VICTRON) else GATEWAY


def printable(text: str) -> str:
    """Without control characters, which XML does not allow and terminals obey; lines stay lines."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


@dataclass(frozen=True)
class Result:
    """The result of one rule."""

    subject: str
    id: str
    sentence: str
    source: str
    status: str
    """`PASSED`, `VIOLATED`, `WAIVED` or `NOT_APPLICABLE`."""
    reason: str
    """Why it was waived or is not applicable; empty otherwise."""
    checked: int
    count: int
    """Violations."""
    violations: tuple[Violation, ...]
    """The first ones."""

    @property
    def origin(self) -> str:
        """Whose rule it is."""
        return origin(self.source)

    @property
    def not_shown(self) -> int:
        """Violations that were only counted."""
        return self.count - len(self.violations)


@dataclass(frozen=True)
class Report:
    """The whole of it."""

    capture: str
    """Name of the file."""
    channel: str
    absolute_time: bool
    """Times are those of a clock; False: they count from the start of the capture."""
    start_us: int
    figures: Figures
    results: tuple[Result, ...]

    @property
    def good(self) -> bool:
        """No rule is violated, apart from waived ones."""
        return not self.of(VIOLATED)

    def of(self, status: str) -> list[Result]:
        """The results of one status."""
        return [result for result in self.results if result.status == status]

    def since_start(self, violation: Violation) -> float:
        """Seconds from the first frame of the capture to a violation."""
        return (violation.time_us - self.start_us) / 1e6

    def as_json(self) -> dict[str, Any]:
        """As plain values; the layout is described in docs/testing/rules.md."""
        return {
            "layout": 1,
            "capture": self.capture,
            "channel": self.channel,
            "good": self.good,
            "rules": {status: len(self.of(status)) for status in (PASSED, VIOLATED, WAIVED, NOT_APPLICABLE)},
            "figures": self.figures.as_json(),
            "results": [self._result(result) for result in self.results],
        }

    def _result(self, result: Result) -> dict[str, Any]:
        return {
            "id": result.id,
            "subject": result.subject,
            "sentence": result.sentence,
            "source": result.source,
            "origin": result.origin,
            "status": result.status,
            "reason": result.reason,
            "checked": result.checked,
            "count": result.count,
            "violations": [
                {
                    "s": round(self.since_start(violation), 6),
                    "time_s": violation.time_us / 1e6 if self.absolute_time else None,
                    "frame": None if violation.frame is None else violation.frame + 1,
                    "text": violation.text,
                }
                for violation in result.violations
            ],
        }


def result_of(subject: str, rule: Rule, waiver: str | None) -> Result:
    """The result of a rule that has been through the whole capture.

    Args:
        subject: the heading under which it is shown
        rule: the rule
        waiver: why it does not count; None: it does
    """
    if rule.count:
        status, reason = (VIOLATED, "") if waiver is None else (WAIVED, waiver)
    elif rule.checked:
        status, reason = PASSED, ""
    else:
        status, reason = NOT_APPLICABLE, rule.not_applicable
    return Result(
        subject, rule.id, rule.sentence, rule.source, status, reason, rule.checked, rule.count, tuple(rule.violations)
    )
