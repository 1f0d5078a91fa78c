"""The command's work: a run with its progress on stderr, its files and its table."""

from pathlib import Path

from rich.table import Table

from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.progress import progress_bar
from tinybms_gateway.pure import PureLibrary
from tinybms_gateway.sim.system.cells import CHEMISTRIES
from tinybms_gateway.sim.system.record import Figures, figures
from tinybms_gateway.sim.system.scenarios import SCENARIOS
from tinybms_gateway.sim.system.simulator import library, simulate, write_csv
from tinybms_gateway.terminal import make_console

with lazy_imports():  # matplotlib takes a second
    from tinybms_gateway.sim.system import plot as picture

SHORTEST_DAYS, LONGEST_DAYS = 0.001, 60
LARGEST_SCALE = 20
"""Beyond this, the serial line is too slow for a poll every 200 ms."""
LEAST_GAIN, LARGEST_GAIN = 0.9, 1.1
PICTURES = {".png", ".svg", ".pdf"}


def run(
    name: str,
    *,
    days: float | None,
    chemistry: str | None,
    feed_in: bool | None,
    cloudy: bool,
    settings: tuple[str, ...],
    seed: int,
    plot: Path | None,
    csv_path: Path | None,
    wire: bool,
    time_scale: float,
    pack_gain: float,
) -> Figures:
    """Simulate, and write what is requested.

    Raises:
        ValueError: an option is invalid.
        OSError: a file cannot be written.
    """
    if name not in SCENARIOS:
        raise ValueError(f"scenario '{name}': not known; choose from {', '.join(SCENARIOS)}")
    if days is not None and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise ValueError(f"{days:g} days: give {SHORTEST_DAYS} to {LONGEST_DAYS}")
    if wire and not 1 <= time_scale <= LARGEST_SCALE:
        raise ValueError(f"--time-scale {time_scale:g}: give 1 to {LARGEST_SCALE}")
    if not LEAST_GAIN <= pack_gain <= LARGEST_GAIN:
        raise ValueError(f"--pack-gain {pack_gain:g}: give {LEAST_GAIN} to {LARGEST_GAIN}")
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise ValueError(f"{plot}: give a name that ends with {', '.join(sorted(PICTURES))}")
    for path in (plot, csv_path):
        if path is not None and not path.absolute().parent.is_dir():
            raise ValueError(f"{path}: there is no directory {path.parent}")
    scenario = SCENARIOS[name].with_options(CHEMISTRIES[chemistry] if chemistry else None, feed_in, cloudy)
    with progress_bar(name, total=1.0) as progress:
        record = simulate(
            scenario,
            name,
            days=days,
            seed=seed,
            settings=settings,
            time_scale=time_scale if wire else None,
            pack_gain=pack_gain,
            on_progress=lambda done, of: progress(done / of),
        )
    text_of = PureLibrary(library()).reason_text
    if csv_path is not None:
        write_csv(record, csv_path, text_of)
    if plot is not None:
        picture.draw(record, scenario.bms_settings(), text_of, plot)
    return figures(record)


def show_scenarios() -> None:
    """List them."""
    table = Table("scenario", "what happens")
    for name, scenario in SCENARIOS.items():
        table.add_row(name, scenario.about)
    make_console().print(table)


def show(found: Figures) -> None:
    """Print the figures, and the changes of alarms."""
    rows = {
        "battery": f"{found.chemistry}, {'feed-in' if found.feed_in else 'no feed-in'}",
        "days": f"{found.days:.2f}",
        "highest, lowest cell": f"{found.highest_cell_v:.3f} V, {found.lowest_cell_v:.3f} V",
        "over-voltage, under-voltage trips": f"{found.over_voltage_trips}, {found.under_voltage_trips}",
        "SOC reached, each day": ", ".join(f"{soc:.1f} %" for soc in found.soc_reached),
        "absorption, each day": ", ".join(f"{seconds} s" for seconds in found.absorption_s),
        "battery into the grid": f"at most {found.grid_discharge_a:.2f} A, {found.grid_discharge_ah:.3f} Ah",
        "CVL changes": f"{found.cvl_changes}, raised at least {found.cvl_least_gap_s:.0f} s after another change",
        "house without power": f"{found.dark_s} s",
        "DCL between 0 and more": f"{found.dcl_switchings} times, {found.dcl_switchings_per_h:.1f} an hour",
    }
    rows |= {f"stopped by {who.replace('_', ', ')}": f"{seconds} s" for who, seconds in found.stopped_s.items()}
    table = Table("figure", found.scenario)
    for title, value in rows.items():
        table.add_row(title, value)
    for alarm in found.alarms:
        kind = "warning" if alarm.warning else "alarm"
        table.add_row(f"{alarm.second} s", f"{kind} {alarm.text} {'raised' if alarm.active else 'cleared'}")
    make_console().print(table)
