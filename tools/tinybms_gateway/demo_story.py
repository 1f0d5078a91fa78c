"""What happened during a demo: the limits with the gateway's reasons, and a line for each stop, start and alarm."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tinybms_gateway.sim.gx.model import GxModel

LIMITS = ("CVL", "CCL", "DCL")
REASON = re.compile(r"battery: (CVL|CCL|DCL) -?\d+ m[VA]: (.+)$")


def reasons(lines: Iterable[str]) -> dict[str, str]:
    """The reason for each limit, as the gateway logged it last."""
    return {found[1]: found[2] for line in lines if (found := REASON.search(line))}


@dataclass(frozen=True)
class Event:
    """Something that happened, and the limits at that moment."""

    s: float
    """Since the start, seconds."""
    what: str
    cvl_v: float
    ccl_a: float
    dcl_a: float


@dataclass
class Story:
    """The course of a demo as the GX saw it."""

    events: list[Event] = field(default_factory=list)
    _alarms: frozenset[str] = frozenset()
    _stopped: frozenset[str] = frozenset()
    _known: bool = False

    def watch(self, gx: GxModel, now_s: float) -> None:
        """Look at the GX; to be called repeatedly."""
        if not gx.recognised:
            return
        alarms = frozenset(name for name in gx.alarms() if not name.endswith("General"))  # another one gives the reason
        stopped = frozenset(name for name in ("CCL", "DCL") if float(gx.signals[name]) == 0)
        texts = [f"{name} active" for name in sorted(alarms - self._alarms)]
        texts += [f"{name} over" for name in sorted(self._alarms - alarms)]
        texts += [f"{name} is 0" for name in sorted(stopped - self._stopped)]
        texts += [f"{name} rises again" for name in sorted(self._stopped - stopped)]
        if not self._known:
            texts.insert(0, "battery recognised")
        self._alarms, self._stopped, self._known = alarms, stopped, True
        limits = [float(gx.signals[name]) for name in LIMITS]
        self.events += [Event(round(now_s - gx.started_s, 1), text, *limits) for text in texts]
