"""A recording on a terminal: a row for each identifier."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import can
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinybms_gateway.can.bus_load import most_bits
from tinybms_gateway.can.capture_statistics import Key, Seen, Statistics
from tinybms_gateway.can.frame import DecodedFrame, decode_frame
from tinybms_gateway.can.protocol import ALARMS_ID, id_text

REFRESH_PER_SECOND = 2
RATE_OVER_S = 10.0
OTHER_LINES = 7
"""Lines of the screen for title, head and foot of the table, the line below it, and the prompt."""


@contextmanager
def shown(statistics: Statistics, what: str, bitrate: int, console: Console) -> Iterator[None]:
    """Draw in a thread of its own what the recording counts; nothing where there is no terminal."""
    if not console.is_terminal:
        yield
        return
    view = CaptureView(statistics, what, bitrate, console)
    with Live(console=console, refresh_per_second=REFRESH_PER_SECOND, get_renderable=view.render, transient=True):
        yield


class CaptureView:
    """The table of what the recording has counted."""

    def __init__(self, statistics: Statistics, what: str, bitrate: int, console: Console) -> None:
        self._statistics = statistics
        self._what = what
        self._bitrate = bitrate
        self._console = console
        self._began = time.monotonic()
        self._history: deque[tuple[float, dict[Key, int]]] = deque()

    def render(self) -> Group:
        """The current state."""
        now = time.monotonic()
        rows = sorted(list(self._statistics.seen.items()))
        rates = self._rates(now, {key: seen.count for key, seen in rows})
        table = Table(expand=True, title=self._what, title_justify="left")
        for heading in ("id", "name", "frames", "per s", "age s"):
            table.add_column(heading, no_wrap=True, justify="left" if heading in ("id", "name") else "right")
        table.add_column("newest", no_wrap=True, overflow="ellipsis", ratio=1)
        shown = rows[: max(1, self._console.height - OTHER_LINES)]
        for key, seen in shown:
            table.add_row(*self._row(key, seen, rates[key], now))
        return Group(table, self._summary(rows, rates, len(rows) - len(shown), now))

    def _row(self, key: Key, seen: Seen, rate: float, now: float) -> tuple[str | Text, ...]:
        frame = decode_frame(seen.newest)
        name = Text(frame.name) if self._statistics.is_known(key) else Text("unknown", style="yellow")
        newest = (
            Text(f"{frame.data.hex(' ').upper()}  {frame.problem}", style="yellow")
            if frame.problem
            else Text(_values(frame))
        )
        return (
            id_text(key[0], extended=key[1]),
            name,
            str(seen.count),
            f"{rate:.1f}",
            f"{now - seen.newest_s:.1f}",
            newest,
        )

    def _summary(self, rows: list[tuple[Key, Seen]], rates: dict[Key, float], hidden: int, now: float) -> Text:
        load = sum(rates[key] * _bits_of(seen.newest) for key, seen in rows) / self._bitrate
        parts = [
            f"{self._statistics.frames} frames in {now - self._began:.0f} s",
            f"{sum(rates.values()):.1f} per s",
            f"bus load about {load:.1%} of {self._bitrate // 1000} kbit/s",
        ]
        if hidden:
            parts.append(f"{hidden} more identifiers")
        return Text("   ".join([*parts, "Ctrl-C to stop"]), style="dim", overflow="ellipsis", no_wrap=True)

    def _rates(self, now: float, counts: dict[Key, int]) -> dict[Key, float]:
        """Frames per second, over the last seconds."""
        self._history.append((now, counts))
        while len(self._history) > 2 and self._history[1][0] <= now - RATE_OVER_S:
            self._history.popleft()
        then, before = self._history[0]
        if then == now:
            then, before = self._began, {}
        seconds = max(now - then, 0.001)
        return {key: (count - before.get(key, 0)) / seconds for key, count in counts.items()}


def _bits_of(message: can.Message) -> int:
    return int(most_bits(message.dlc, extended=message.is_extended_id, remote=message.is_remote_frame))


def _values(frame: DecodedFrame) -> str:
    if frame.id == ALARMS_ID:
        active = [name for name, signal in frame.signals.items() if signal.value == "active"]
        return f"{', '.join(active) or 'no alarm, no warning'}; {frame.signals['SystemStatus']}"
    return frame.values()
