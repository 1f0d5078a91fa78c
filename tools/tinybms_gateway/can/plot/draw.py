"""The drawing: panels over a common time axis."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.plot.story import OFFLINE, Story
from tinybms_gateway.can.reduce import Course, spans_where
from tinybms_gateway.picture import BLUE, GREEN, GREY, PURPLE, RED, YELLOW, tidy

WIDTH_IN = 12.0
PANEL_IN = 1.75
ROW_IN = 0.24
HEAD_IN = 1.15
KELVIN = 273.15
NARROWEST = 300
"""Least share of the time axis that a shaded time takes."""
DAY_US = 86_400e6
COLOURS = (BLUE, RED, GREEN, PURPLE, YELLOW, "#2f2f2f", "#e07b39", "#3fa7a3")
HOLD_PERIODS = 3
"""A value counts as known for this many of its periods after a frame; then its line ends."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class TimeAxis:
    """Places on the time axis."""

    begin_us: int
    seconds_since: float | None
    """Second at the start of the picture; None: local time."""

    def at(self, time_us: NDArray[np.int64] | int) -> Values:
        """Where a time is, in microseconds since the start of the picture."""
        times = np.asarray(time_us, np.float64)
        if self.seconds_since is not None:
            return self.seconds_since + times / 1e6
        return self.begin_us / DAY_US + times / DAY_US

    def spans(self, spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
        """Start and width of spans."""
        return [(float(self.at(begin)), float(self.at(end) - self.at(begin))) for begin, end in spans]

    def label(self, ax: Axes) -> None:
        """Ticks and what they mean."""
        if self.seconds_since is not None:
            ax.set_xlabel("seconds since the first frame of the capture")
            return
        zone = self.zone
        locator = mdates.AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
        ax.set_xlabel(f"local time ({self.begin:%Z})")

    @property
    def zone(self) -> timezone:
        """Local zone at the start of the picture."""
        utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=self.begin_us)
        local = utc.astimezone()
        return timezone(local.utcoffset() or timedelta(0), local.tzname() or "")

    @property
    def begin(self) -> datetime:
        """Of the picture, local."""
        return datetime.fromtimestamp(self.begin_us / 1e6, self.zone)


class Canvas:
    """A story, and how its courses become lines."""

    def __init__(self, story: Story, axis: TimeAxis) -> None:
        self.story = story
        self.axis = axis
        self._periods_us = {
            signal.name: (message.cycle_time or 1000) * 1000
            for message in load_database().messages
            for signal in message.signals
        }

    def has(self, *names: str) -> bool:
        """Whether one of these signals has a value."""
        return any(name in self.story.values and len(self.course(name).time_us) for name in names)

    def course(self, name: str) -> Course:
        """Of a signal that is there."""
        return self.story.values[name].course()

    def hold_us(self, name: str, course: Course) -> int:
        """How long a value counts as known."""
        return max(HOLD_PERIODS * self._periods_us[name], 2 * course.piece_us)

    def line(
        self,
        ax: Axes,
        name: str,
        label: str,
        colour: str,
        to: Callable[[Values], Values] = lambda v: v,
        **style: object,
    ) -> None:
        """A signal as a line of steps with its peaks; interrupted where no frames came."""
        if not self.has(name):
            return
        course = self.course(name)
        times, low, high = _with_breaks(course, self.hold_us(name, course))
        if np.isnan(to(low)).all():
            return
        x = np.repeat(self.axis.at(times), 2)
        y = np.column_stack([to(low), to(high)]).ravel()
        ax.plot(x, y, drawstyle="steps-post", color=colour, label=label, **({"linewidth": 1.4} | style))  # type: ignore[arg-type]

    def band(
        self, ax: Axes, lower: str, upper: str, label: str, colour: str, to_lower: Callable[[Values], Values]
    ) -> None:
        """What is between two limits of the same frames."""
        if not self.has(lower) or not self.has(upper):
            return
        below, above = self.course(lower), self.course(upper)
        if len(below.time_us) != len(above.time_us):
            return
        times, low, _ = _with_breaks(below, self.hold_us(lower, below))
        _, high, _ = _with_breaks(above, self.hold_us(upper, above))
        ax.fill_between(
            self.axis.at(times), to_lower(low), high, step="post", color=colour, alpha=0.13, linewidth=0, label=label
        )


def draw(story: Story, seconds_since: float | None) -> Figure:
    """Draw a story.

    Args:
        story: what to show
        seconds_since: second at the start of the picture, for a time axis in seconds; None: local time
    """
    axis = TimeAxis(story.begin_us, seconds_since)
    canvas = Canvas(story, axis)
    panels = _chosen(canvas) if story.signals else _overview(canvas)
    rows = [] if story.signals else _active_rows(story)
    heights = [PANEL_IN] * len(panels)
    if not story.signals and story.active:
        heights.append(max(1, len(rows)) * ROW_IN + 0.3)
    figure = Figure(figsize=(WIDTH_IN, sum(heights) + HEAD_IN), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for ax, panel in zip(axes, panels, strict=False):
        panel(ax)
    if len(heights) > len(panels):
        _draw_active(axes[-1], canvas, rows)
    for ax in axes:
        tidy(ax)
        ax.tick_params(labelsize=9)
        _shade(canvas, ax)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), fontsize=9, frameon=False, borderaxespad=0)
    end = max(story.end_us, 1)
    axes[0].set_xlim(float(axis.at(0)), float(axis.at(end)))
    axis.label(axes[-1])
    figure.suptitle(_title(story, axis), fontsize=11)
    shading = _shading_legend(story)
    if shading:
        figure.legend(handles=shading, loc="outside lower center", ncols=len(shading), fontsize=9, frameon=False)
    figure.align_ylabels(list(axes[: len(panels)]))
    return figure


def _overview(canvas: Canvas) -> list[Callable[[Axes], None]]:
    wanted: tuple[tuple[tuple[str, ...], Callable[[Canvas, Axes], None]], ...] = (
        (("SOC", "SOCHighResolution"), _draw_soc),
        (("Voltage", "CVL", "DVL"), _draw_voltage),
        (("Current", "CCL", "DCL"), _draw_current),
        (("CellVoltageMin", "CellVoltageMax"), _draw_cells),
        (("Temperature", "CellTemperatureMin", "CellTemperatureMax"), _draw_temperature),
    )
    return [partial(panel, canvas) for names, panel in wanted if canvas.has(*names)]


def _draw_soc(canvas: Canvas, ax: Axes) -> None:
    fine = canvas.has("SOCHighResolution")
    canvas.line(ax, "SOCHighResolution" if fine else "SOC", "SOC", BLUE)
    ax.set_ylabel("SOC, %", fontsize=9)
    _at_least(ax, 4.0)


def _draw_voltage(canvas: Canvas, ax: Axes) -> None:
    canvas.band(ax, "DVL", "CVL", "allowed", GREEN, lambda v: v)
    canvas.line(ax, "CVL", "CVL", RED, linewidth=1.0)
    canvas.line(ax, "DVL", "DVL", PURPLE, _zero_is_none, linewidth=1.0)
    canvas.line(ax, "Voltage", "battery", BLUE)
    ax.set_ylabel("voltage, V", fontsize=9)
    shown = [canvas.course(name) for name in ("Voltage", "CVL") if canvas.has(name)]
    dvl = _zero_is_none(canvas.course("DVL").low) if canvas.has("DVL") else np.array([np.nan])
    low = float(np.nanmin([np.nanmin(c.low) for c in shown] + ([np.nanmin(dvl)] if not np.isnan(dvl).all() else [])))
    high = float(max(c.high.max() for c in shown)) if shown else low
    margin = max(0.3, 0.08 * (high - low))
    ax.set_ylim(low - margin, high + margin)


def _draw_current(canvas: Canvas, ax: Axes) -> None:
    canvas.band(ax, "DCL", "CCL", "allowed", GREEN, np.negative)
    canvas.line(ax, "CCL", "CCL", RED, linewidth=1.0)
    canvas.line(ax, "DCL", "-DCL", PURPLE, np.negative, linewidth=1.0)
    canvas.line(ax, "Current", "battery,\n+ = charging", BLUE)
    ax.axhline(0.0, color="black", linewidth=0.6)
    ax.set_ylabel("current, A", fontsize=9)
    _at_least(ax, 2.0)


def _draw_cells(canvas: Canvas, ax: Axes) -> None:
    canvas.band(ax, "CellVoltageMin", "CellVoltageMax", "between", BLUE, lambda v: v)
    canvas.line(ax, "CellVoltageMax", "highest", RED)
    canvas.line(ax, "CellVoltageMin", "lowest", BLUE)
    ax.set_ylabel("cells, mV", fontsize=9)
    _at_least(ax, 20.0)


def _draw_temperature(canvas: Canvas, ax: Axes) -> None:
    canvas.line(ax, "CellTemperatureMax", "warmest sensor", RED, lambda v: v - KELVIN)
    canvas.line(ax, "CellTemperatureMin", "coldest sensor", BLUE, lambda v: v - KELVIN)
    canvas.line(ax, "Temperature", "battery", "#2f2f2f", linewidth=1.0, linestyle="--")
    ax.set_ylabel("temperature, °C", fontsize=9)
    _at_least(ax, 4.0)


def _chosen(canvas: Canvas) -> list[Callable[[Axes], None]]:
    """A panel for each unit; signals without one are not comparable and have a panel each."""
    units = {s.name: s.unit or f"{s.name} " for m in load_database().messages for s in m.signals}
    groups: dict[str, list[str]] = {}
    for name in canvas.story.signals:
        if canvas.has(name):
            groups.setdefault(units[name], []).append(name)
    return [partial(_draw_chosen, canvas, unit, names) for unit, names in groups.items()]


def _draw_chosen(canvas: Canvas, unit: str, names: list[str], ax: Axes) -> None:
    for name, colour in zip(names, COLOURS * len(names), strict=False):
        canvas.line(ax, name, name, colour)
    choices = next(s.choices for m in load_database().messages for s in m.signals if s.name == names[0])
    if choices and set(choices) == {0, 1, 2, 3}:
        ax.set_yticks(range(4), [str(choices[number]) for number in range(4)])
        ax.set_ylim(-0.3, 3.3)
    else:
        ax.set_ylabel("" if unit.endswith(" ") else unit, fontsize=9)


def _active_rows(story: Story) -> list[str]:
    """Fields of 0x35A that were active, alarms first."""
    names = [name for name, extremes in story.active.items() if bool((extremes.course().high > 0).any())]
    return sorted(names, key=lambda name: (name == OFFLINE, not name.startswith("Alarm")))


def _draw_active(ax: Axes, canvas: Canvas, rows: list[str]) -> None:
    for y, name in enumerate(rows):
        course = canvas.story.active[name].course()
        spans = spans_where(course, canvas.hold_us(name, course), canvas.story.end_us)
        colour = GREY if name == OFFLINE else RED if name.startswith("Alarm") else YELLOW
        ax.broken_barh(canvas.axis.spans(spans), (y - 0.36, 0.72), color=colour, linewidth=0.8)
    ax.set_yticks(range(len(rows)), [_row_label(name) for name in rows])
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    if not rows:
        ax.text(0.5, 0.5, "no alarm, no warning", transform=ax.transAxes, ha="center", va="center", color=GREY)
    for label, colour in (("alarm", RED), ("warning", YELLOW)):
        if any(name.startswith(label.capitalize()) for name in rows):
            ax.broken_barh([], (0, 1), color=colour, label=label)
    if OFFLINE in rows:
        ax.broken_barh([], (0, 1), color=GREY, label="status offline")


def _row_label(name: str) -> str:
    if name == OFFLINE:
        return "offline"
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in name.removeprefix("Alarm").removeprefix("Warning"))
    return words.strip().replace("bms", "BMS")


def _shade(canvas: Canvas, ax: Axes) -> None:
    """Shade the times without expected frames over the whole height; short ones are made wide enough to be seen.

    What never came at all is only mentioned: the whole picture would be shaded.
    """
    least = round(canvas.story.end_us / NARROWEST)
    for gaps, style in ((canvas.story.limits_gaps, _NO_LIMITS), (canvas.story.keepalive_gaps, _NO_GX)):
        if gaps.seen and gaps.spans:
            spans = canvas.axis.spans([(begin, max(end, begin + least)) for begin, end in gaps.spans])
            ax.broken_barh(spans, (0, 1), transform=ax.get_xaxis_transform(), zorder=0.5, **style)  # type: ignore[arg-type]


_NO_LIMITS = {"facecolor": RED, "alpha": 0.25, "edgecolor": "none"}
_NO_GX = {"facecolor": "#dcdcdc", "edgecolor": GREY, "hatch": "///", "alpha": 0.5, "linewidth": 0}
_NOTHING = {"facecolor": "none", "edgecolor": "none"}


def _shading_legend(story: Story) -> list[Patch]:
    patches = []
    for gaps, style, never, gone in (
        (story.limits_gaps, _NO_LIMITS, "no 0x351 at all", "no 0x351 for over 3 s: the GX stops the system"),
        (
            story.keepalive_gaps,
            _NO_GX,
            "no GX keepalive (0x305) at all",
            "no GX keepalive (0x305) for over 10 s",
        ),
    ):
        if not gaps.seen:
            patches.append(Patch(**_NOTHING, label=never))  # type: ignore[arg-type]
        elif gaps.count:
            patches.append(Patch(**style, label=f"{gone} ({_times(gaps.count)})"))  # type: ignore[arg-type]
    return patches


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _title(story: Story, axis: TimeAxis) -> str:
    seconds = story.end_us / 1e6
    length = f"{seconds:.1f} s" if seconds < 120 else str(timedelta(seconds=round(seconds)))
    begin = f"{axis.begin:%Y-%m-%d %H:%M:%S}   " if story.absolute_time else ""
    return f"{story.path.name}   {begin}{length}   {story.frames:,} frames"


def _with_breaks(course: Course, hold_us: int) -> tuple[NDArray[np.int64], Values, Values]:
    """A course in which the value of the last frame before a gap ends in time, with nothing after it."""
    gaps = np.flatnonzero(np.diff(course.time_us) > hold_us)
    at = np.concatenate([gaps, [len(course.time_us) - 1]]) + 1
    ends = course.time_us[at - 1] + hold_us // HOLD_PERIODS
    nothing = np.full(len(at), np.nan)
    times = np.insert(course.time_us, np.repeat(at, 2), np.repeat(ends, 2))
    held = [
        np.insert(v, np.repeat(at, 2), np.column_stack([v[at - 1], nothing]).ravel()) for v in (course.low, course.high)
    ]
    return times, held[0], held[1]


def _zero_is_none(values: Values) -> Values:
    """A DVL of 0 is not a limit: the GX does not use it, and many batteries send none."""
    return np.where(values > 0, values, np.nan)


def _at_least(ax: Axes, span: float) -> None:
    """Keep the noise of one resolution step from filling the panel."""
    low, high = ax.get_ylim()
    if high - low < span:
        middle = (low + high) / 2
        ax.set_ylim(middle - span / 2, middle + span / 2)
    ax.yaxis.set_major_locator(MaxNLocator(5))
