"""A picture of a run: cells, voltages, currents, SOC, and who set each limit, over time."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tinybms_gateway.picture import BLUE, GREEN, PURPLE, RED, YELLOW, save, tidy
from tinybms_gateway.sim.system.cells import Floats
from tinybms_gateway.sim.system.plant import Stopped
from tinybms_gateway.sim.system.record import Record

COLUMNS = 3000
"""Points along the time axis: a longer run shows the extremes of each piece."""
STOPPED = {
    Stopped.CONTROL_CHARGE: ("control stops charging", YELLOW),
    Stopped.BMS_CHARGE: ("BMS switch stops charging", RED),
    Stopped.CONTROL_DISCHARGE: ("control stops discharging", GREEN),
    Stopped.BMS_DISCHARGE: ("BMS switch stops discharging", PURPLE),
}
STOPPED_COLOURS = {int(who): colour for who, (_, colour) in STOPPED.items()}


def draw(record: Record, settings: dict[int, int], text_of: Callable[[int], str], path: Path) -> None:
    """Draw a run.

    Args:
        record: the run
        settings: of the BMS; its thresholds are drawn
        text_of: text of a reason
        path: picture to write; its name gives the format

    Raises:
        ValueError: no picture can be written in this format.
    """
    figure, axes = plt.subplots(
        5, 1, figsize=(15, 17), sharex=True, layout="constrained", height_ratios=(3, 2, 2.5, 2, 2)
    )
    feed_in = "feed-in" if record.feed_in else "no feed-in"
    figure.suptitle(f"{record.scenario}: {record.chemistry}, {record.cell_100uv.shape[1]} cells, {feed_in}")
    _draw_cells(axes[0], record, settings)
    _draw_voltages(axes[1], record)
    _draw_currents(axes[2], record)
    _draw_charge(axes[3], record)
    _draw_reasons(axes[4], record, text_of)
    for ax in axes:
        tidy(ax)
    axes[-1].set_xlabel("hours since midnight of the first day")
    save(figure, path)


def _draw_cells(ax: Axes, record: Record, settings: dict[int, int]) -> None:
    volts = record.cell_100uv / 1e4
    for i in range(volts.shape[1]):
        hours, low, high = _extremes(record, volts[:, i])
        ax.fill_between(hours, low, high, alpha=0.5, linewidth=0.6, color=plt.get_cmap("viridis")(i / volts.shape[1]))
    hours, _, high = _extremes(record, volts.max(axis=1))
    ax.plot(hours, high, color=RED, linewidth=0.8, label="highest cell")
    seen = float(volts.min()), float(volts.max())
    for register, text in ((315, "over-voltage cutoff"), (300, "full"), (301, "empty"), (316, "under-voltage cutoff")):
        level = settings[register] / 1000
        if seen[0] - 0.15 < level < seen[1] + 0.15:
            ax.axhline(level, color="black", linestyle=":", linewidth=0.8)
            ax.annotate(f"{text} ({register})", (0.002, level), xycoords=("axes fraction", "data"), va="bottom", size=8)
    ax.set_ylabel("cells, V")
    ax.legend(loc="upper right", fontsize=8)


def _draw_voltages(ax: Axes, record: Record) -> None:
    hours, low, high = _extremes(record, record.rows["pack_v"])
    ax.fill_between(hours, low, high, color=BLUE, linewidth=0.8, label="battery")
    _limit(ax, record, "cvl_v", "CVL on the bus", RED)
    ax.set_ylabel("pack, V")
    ax.legend(loc="upper right", fontsize=8)


def _draw_currents(ax: Axes, record: Record) -> None:
    rows = record.rows
    hours, low, high = _extremes(record, rows["current_a"])
    ax.fill_between(hours, low, high, color=BLUE, linewidth=0.8, label="battery, + = charging")
    _limit(ax, record, "ccl_a", "CCL", RED)
    _limit(ax, record, "dcl_a", "-DCL", GREEN, -1.0)
    hours, _, high = _extremes(record, rows["grid_discharge_a"])
    ax.plot(hours, -high, color="black", linewidth=0.8, label="battery into the grid")
    ax.set_ylabel("current, A")
    ax.legend(loc="upper right", fontsize=8, ncols=2)


def _draw_charge(ax: Axes, record: Record) -> None:
    rows = record.rows
    hours, _, sun = _extremes(record, rows["sun_w"])
    ax.fill_between(hours, 0, sun / 1000, color=YELLOW, alpha=0.5, label="sun, kW")
    ax.plot(hours, _extremes(record, rows["house_w"])[2] / 1000, color=PURPLE, linewidth=0.8, label="house, kW")
    ax.set_ylabel("power, kW")
    other = ax.twinx()
    other.plot(hours, _extremes(record, rows["soc_percent"])[2], color=BLUE, label="SOC of the BMS, %")
    other.plot(hours, _extremes(record, rows["temperature_c"])[2], color=RED, linewidth=0.8, label="cells, degC")
    other.set_ylabel("% and degC")
    other.margins(x=0)
    handles = [h for a in (ax, other) for h in a.get_legend_handles_labels()[0]]
    ax.legend(handles=handles, loc="upper left", fontsize=8, ncols=2)


def _draw_reasons(ax: Axes, record: Record, text_of: Callable[[int], str]) -> None:
    rows, hours = record.rows, record.hours()
    names = ("cvl_reason", "ccl_reason", "dcl_reason")
    present = sorted({int(r) for name in names for r in np.unique(rows[name])} - {0})
    colours: dict[int, Any] = {reason: plt.get_cmap("tab20")(reason % 20) for reason in present}
    for y, name in enumerate((*names, "stopped")):
        for first, last, value in _runs(rows[name]):
            colour = colours.get(value) if name != "stopped" else STOPPED_COLOURS.get(value)
            if colour is not None:
                ax.broken_barh([(hours[first], (last - first) / 3600)], (3 - y - 0.4, 0.8), color=colour, linewidth=0)
    ax.set_yticks(range(4), ["stopped by", "DCL", "CCL", "CVL"])
    ax.set_ylim(-0.6, 3.6)
    patches = [Patch(color=colours[reason], label=text_of(reason)) for reason in present]
    patches += [Patch(color=colour, label=text) for who, (text, colour) in STOPPED.items() if who in rows["stopped"]]
    ax.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8, ncols=6, frameon=False)


def _limit(ax: Axes, record: Record, name: str, label: str, colour: str, sign: float = 1.0) -> None:
    values = np.where(record.rows["sent"], sign * record.rows[name], np.nan)
    piece = _piece(len(values))
    ax.step(record.hours()[::piece], values[::piece], where="post", color=colour, linewidth=1.0, label=label)


def _piece(count: int) -> int:
    return max(1, count // COLUMNS)


def _extremes(record: Record, values: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Hour, lowest and highest value of each piece of the run."""
    piece = _piece(len(values))
    starts = np.arange(0, len(values), piece)
    return record.hours()[starts], np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def _runs(values: NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    """First row, row after the last, and value of each stretch of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for first, last in pairwise(edges):
        yield first, last, int(values[first])
