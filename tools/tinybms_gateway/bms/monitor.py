"""``tinybms-gw bms monitor``: live measurements of a TinyBMS."""

import contextlib
import csv
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient
from tinybms_gateway.bms.options import OpenBms, on_line
from tinybms_gateway.bms.table import register
from tinybms_gateway.command_line import Seconds, until_interrupted
from tinybms_gateway.terminal import make_console

LIVE = (0, 56)
CELLS = range(16)
CELLS_A_ROW = 8
VALUES = ("pack_voltage", "pack_current", "state_of_charge", "temperature_internal", "temperature_external_1",
          "temperature_external_2")  # fmt: skip
CSV_UNITS = {"V": "v", "A": "a", "%": "percent", "degC": "degc"}
A_VOLT_MV = Decimal("1E+3")


@dataclass(frozen=True)
class Sample:
    """What was measured at one time; a missing value is unknown."""

    time: datetime
    values: dict[str, Decimal | None]
    """Those of `VALUES`, in the unit of the register."""
    cells: dict[int, Decimal]
    """Register -> V."""
    status: str
    balancing: list[int]
    """Registers of the cells that are being balanced."""

    @property
    def extremes(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Lowest cell, highest cell (V), difference (mV)."""
        if not self.cells:
            return None, None, None
        lowest, highest = min(self.cells.values()), max(self.cells.values())
        return lowest, highest, (highest - lowest) * A_VOLT_MV

    def text(self, name: str) -> str:
        """A value for people."""
        value = self.values[name]
        return "unknown" if value is None else table.with_unit(value, register(name).unit)

    @property
    def cells_text(self) -> str:
        """Lowest, highest, difference."""
        lowest, highest, difference = self.extremes
        return "cells unknown" if difference is None else f"cells {lowest}..{highest} V, delta {difference} mV"

    @property
    def balancing_text(self) -> str:
        """Which cells are being balanced."""
        return ", ".join(map(str, self.balancing)) or "none"

    def __str__(self) -> str:
        temperatures = "/".join(self.text(name) for name in VALUES if name.startswith("temperature"))
        return "  ".join((
            self.time.astimezone().strftime("%H:%M:%S"), self.text("pack_voltage"), self.text("pack_current"),
            f"SOC {self.text('state_of_charge')}", self.cells_text, f"temperatures {temperatures}", self.status,
            f"balancing {self.balancing_text}",
        ))  # fmt: skip


Output = Callable[[Sample], None]
"""Where samples go."""


def sample(client: BmsClient) -> Sample:
    """Measure once.

    Raises:
        LineError: the BMS does not answer.
    """
    return from_words(client.read(*LIVE), datetime.now(timezone.utc))


def from_words(words: list[int], now: datetime) -> Sample:
    """``tinybms-gw bms monitor``: the measurements that the registers 0..55 hold."""
    values = {}
    for name in VALUES:
        entry = register(name)
        raw = table.raw_value(entry, words[entry.address : entry.address + entry.words])
        values[name] = table.scaled(entry, raw) if table.is_known(entry, raw) else None
    status = words[register("online_status").address]
    balancing = words[register("balancing_active").address]
    return Sample(
        now,
        values,
        {i: table.scaled(register(f"cell_voltage_{i}"), words[i]) for i in CELLS if words[i] != 0},
        table.STATUS_TEXT.get(status, f"unknown (0x{status:02X})"),
        [i for i in CELLS if balancing >> i & 1],
    )


def samples(client: BmsClient, interval_s: float, count: int | None) -> Iterator[Sample]:
    """Measure at a steady pace, until `count` is reached.

    Raises:
        LineError: the BMS no longer answers.
    """
    due = time.monotonic()
    for number in itertools.count(1):
        yield sample(client)
        if number == count:
            return
        due = max(due + interval_s, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def csv_header() -> list[str]:
    """Names of the columns, with their units."""
    named = [f"{name}_{CSV_UNITS[register(name).unit]}" for name in VALUES]
    return ["time", *named, "cell_lowest_v", "cell_highest_v", "cell_difference_mv", "status", "balancing",
            *(f"cell_register_{i}_v" for i in CELLS)]  # fmt: skip


def csv_row(sample: Sample) -> list[str]:
    """A sample under that header; empty = unknown."""
    numbers = [*(sample.values[name] for name in VALUES), *sample.extremes]
    cells = [sample.cells.get(i) for i in CELLS]
    as_text = ["" if number is None else f"{number:f}" for number in [*numbers, *cells]]
    first_cell = len(numbers)
    balancing = " ".join(map(str, sample.balancing))
    return [sample.time.isoformat(timespec="milliseconds"), *as_text[:first_cell], sample.status, balancing,
            *as_text[first_cell:]]  # fmt: skip


@contextlib.contextmanager
def csv_file(path: Path) -> Iterator[Output]:
    """A new CSV file; each row is in the file when the call returns.

    Raises:
        OSError: it already exists, or cannot be written.
    """
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)

        def write(row: list[str]) -> None:
            writer.writerow(row)
            file.flush()

        write(csv_header())
        yield lambda sample: write(csv_row(sample))


def render(sample: Sample) -> Group:
    """A sample as tables."""
    pack = Table(box=None, show_header=False)
    for label, text in (
        ("status", sample.status),
        ("pack voltage", sample.text("pack_voltage")),
        ("pack current", sample.text("pack_current")),
        ("state of charge", sample.text("state_of_charge")),
        ("BMS temperature", sample.text("temperature_internal")),
        ("external sensors", f"{sample.text('temperature_external_1')}, {sample.text('temperature_external_2')}"),
        ("cells", sample.cells_text.removeprefix("cells ")),
        ("balancing", sample.balancing_text),
    ):
        pack.add_row(label, text)
    cells = Table(box=None, title="cell voltages by register, V", title_justify="left", show_header=False)
    lowest, highest, _ = sample.extremes
    shown = [_cell(i, volts, lowest, highest, i in sample.balancing) for i, volts in sample.cells.items()]
    for first in range(0, len(shown), CELLS_A_ROW):
        cells.add_row(*shown[first : first + CELLS_A_ROW])
    return Group(pack, cells, Text(sample.time.astimezone().strftime("%H:%M:%S, Ctrl-C to stop"), style="dim"))


def _cell(i: int, volts: Decimal, lowest: Decimal | None, highest: Decimal | None, balanced: bool) -> Text:
    style = "bold red" if volts == highest else "bold blue" if volts == lowest else ""
    return Text(f"{i:2}: {volts}{'*' if balanced else ' '}", style=style)


@click.command("monitor")
@on_line
@click.option("--interval", type=Seconds(), default=1.0, show_default=True, metavar="S",
              help="Time between measurements; the BMS itself measures every 0.1 s.")  # fmt: skip
@click.option("--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Also write each measurement to a new file.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after N measurements.")
def monitor_command(bms: OpenBms, interval: float, csv_path: Path | None, count: int | None) -> None:
    """Show live measurements until Ctrl-C.

    A table on a terminal, otherwise one line per measurement.

    \b
    Examples:
      tinybms-gw bms monitor --port /dev/ttyUSB0
      tinybms-gw bms monitor --port /dev/ttyUSB0 --interval 10 --csv night.csv
    """
    console = make_console()
    with contextlib.ExitStack() as stack:
        stack.enter_context(until_interrupted())
        client = stack.enter_context(bms())
        record = stack.enter_context(csv_file(csv_path)) if csv_path else None
        live = stack.enter_context(Live(console=console, auto_refresh=False)) if console.is_terminal else None
        for sample in samples(client, interval, count):
            if record is not None:
                record(sample)
            if live is not None:
                live.update(render(sample), refresh=True)
            else:
                click.echo(str(sample))
