"""The report as one HTML file that needs nothing from outside."""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from tinybms_gateway.can.verify.figures import Figures
from tinybms_gateway.can.verify.report import NOT_APPLICABLE, PASSED, VIOLATED, WAIVED, Report
from tinybms_gateway.can.verify.show import clock_text, figure_lines, frame_text, times, verdict

WIDTH, HEIGHT = 1000.0, 110.0
BAR = 16
"""Height of the row of one alarm."""

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times since the start (us), and values."""


@dataclass(frozen=True)
class Line:
    """One curve of a picture."""

    name: str
    points: str
    """Of an SVG polyline."""
    colour: int
    """Number of the colour in the style sheet."""


@dataclass(frozen=True)
class Panel:
    """Some curves over time with one scale."""

    title: str
    unit: str
    low: float
    high: float
    lines: tuple[Line, ...]
    zero: float | None
    """Where 0 is, from the top; None: outside or at an edge."""


@dataclass(frozen=True)
class AlarmRow:
    """When a field was active: from and width, of `WIDTH`."""

    name: str
    kind: str
    bars: tuple[tuple[float, float], ...]


def html(report: Report) -> str:
    """Make it; everything from the capture is escaped."""
    environment = Environment(
        loader=PackageLoader("tinybms_gateway.can.verify"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    figures = report.figures
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict(report),
        version=version("tinybms-gateway"),
        statuses=(VIOLATED, WAIVED, PASSED, NOT_APPLICABLE),
        violated=[*report.of(VIOLATED), *report.of(WAIVED)],
        figures=figure_lines(report),
        counts=sorted(figures.counts.items()),
        panels=panels(figures),
        alarms=alarm_rows(figures),
        duration=f"{figures.duration_s:,.1f}",
        clock_text=clock_text,
        frame_text=frame_text,
        times=times,
        width=WIDTH,
        height=HEIGHT,
        bar=BAR,
    )


def panels(figures: Figures) -> list[Panel]:
    """The course of the battery; those without a value are left out."""
    found = [
        _panel(figures, "State of charge", "%", {"SOC": _curve(figures, "SOC")}, (0.0, 100.0)),
        _panel(figures, "Voltage", "V", {"battery": _curve(figures, "Voltage"), "CVL": _curve(figures, "CVL")}),
        _panel(figures, "Current", "A", {"battery": _curve(figures, "Current"), "CCL": _curve(figures, "CCL"),
                                         "DCL, as discharge": _curve(figures, "DCL", sign=-1)}),
    ]  # fmt: skip
    return [panel for panel in found if panel.lines]


def _curve(figures: Figures, name: str, sign: int = 1) -> Curve:
    """The lowest and the highest value of each piece, one after the other."""
    course = figures.courses[name].course()
    kept = np.ones(2 * len(course.time_us), np.bool_)
    kept[1::2] = course.high > course.low
    return np.repeat(course.time_us, 2)[kept], sign * np.column_stack([course.low, course.high]).ravel()[kept]


def _panel(figures: Figures, title: str, unit: str, curves: dict[str, Curve],
           bounds: tuple[float, float] | None = None) -> Panel:  # fmt: skip
    there = [(number, name, *curve) for number, (name, curve) in enumerate(curves.items()) if len(curve[1])]
    values = np.concatenate([curve[3] for curve in there]) if there else np.zeros(1)
    low, high = float(values.min()), float(values.max())
    if bounds is not None:
        low, high = min(low, bounds[0]), max(high, bounds[1])
    margin = 0.0 if bounds is not None else max((high - low) * 0.08, 0.1)
    low, high = low - margin, high + margin
    lines = tuple(Line(name, _points(figures, times, curve, low, high), number) for number, name, times, curve in there)
    zero = round(HEIGHT * high / (high - low), 1) if low < 0 < high else None
    return Panel(title, unit, round(low, 1), round(high, 1), lines, zero)


def _points(figures: Figures, times: NDArray[np.int64], values: NDArray[np.float64], low: float, high: float) -> str:
    x = _place(figures, times)
    y = HEIGHT * (1 - (values - low) / (high - low))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _place(figures: Figures, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Times since the start as places from left to right."""
    places: NDArray[np.float64] = WIDTH * times / max(figures.end_us - figures.start_us, 1)
    return places


def alarm_rows(figures: Figures) -> list[AlarmRow]:
    """One for each field that was ever active."""
    rows = []
    for name, spans in sorted(figures.alarms.spans.items()):
        times = np.array([(start, figures.end_us if end is None else end) for start, end in spans]) - figures.start_us
        starts, ends = _place(figures, times).T
        bars = tuple((round(a, 1), round(max(b - a, 2.0), 1)) for a, b in zip(starts, ends, strict=True))
        rows.append(AlarmRow(name, "warning" if name.startswith("Warning") else "alarm", bars))
    return rows
