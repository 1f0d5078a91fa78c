"""Figures: their layout in figures.json, the table of them, and what moved since the last record."""

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from support import ROOT

MOVED_BY_MORE_THAN = 0.10
LAYOUT = 1
_HOLDS = {None: "", True: "yes", False: "**no**"}


@dataclass(frozen=True)
class Record:
    """Where a set of figures is recorded. `make NAME` measures it into ``NAME.json``, with the files ``NAME_*.py``."""

    name: str
    reference: Path
    recorded_by: str
    """Target of the Makefile."""

    @property
    def begin(self) -> str:
        """Line of the page before its table."""
        return f"<!-- {self.name}: written by `make {self.recorded_by}`, do not edit -->"

    @property
    def end(self) -> str:
        """Line of the page after its table."""
        return f"<!-- end of {self.name} -->"


FIGURES = Record("figures", ROOT / "test/figures/reference.json", "figures-record")
SOAK = Record("soak", ROOT / "test/figures/reference_soak.json", "bench-record")
RECORDS = {record.name: record for record in (FIGURES, SOAK)}


class Figure(BaseModel):
    """One figure. The layout is described in docs/testing/instruments.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    title: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    detail: bool = False
    """Only in figures.json, not in tables."""

    @property
    def holds(self) -> bool | None:
        """Whether it is within its limit; None: it has none."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def limit_text(self) -> str:
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {_number(b)} {self.unit}".rstrip() for sign, b in bounds if b is not None)

    def moved(self, before: "Figure") -> bool:
        return not math.isclose(self.value, before.value, rel_tol=MOVED_BY_MORE_THAN, abs_tol=1e-9)


class Figures(BaseModel):
    """What one run measured."""

    model_config = ConfigDict(extra="forbid")

    layout: int = LAYOUT
    figures: list[Figure] = []

    def add(self, name: str, title: str, value: float, unit: str, *, at_most: float | None = None,
            at_least: float | None = None, detail: bool = False) -> None:  # fmt: skip
        """Keep a figure; a count or bytes as a whole number, a measurement with three digits behind the point."""
        rounded = float(round(value, 3))
        self.figures.append(
            Figure(name=name, title=title, value=rounded, unit=unit, at_most=at_most, at_least=at_least, detail=detail)
        )

    def broken(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.holds is False]

    def save(self, path: Path) -> None:
        """Write them, each with whether it holds, and one a line, so that a diff of two records can be read."""
        lines = []
        for figure in self.figures:
            entry = figure.model_dump(exclude_defaults=True)
            if figure.holds is not None:
                entry["holds"] = figure.holds
            lines.append("  " + json.dumps(entry, ensure_ascii=False))
        path.write_text(f'{{"layout": {self.layout}, "figures": [\n' + ",\n".join(lines) + "\n]}\n")


def load(path: Path) -> Figures:
    """Read what `Figures.save` wrote.

    Raises:
        OSError: not there.
        ValueError: not such a file.
    """
    data = json.loads(path.read_text())
    if not isinstance(data, dict):
        raise ValueError("no figures")
    for entry in data.get("figures", []):
        entry.pop("holds", None)
    return Figures.model_validate(data)


def percentile(values: list[float], percent: int) -> float:
    """One of at least two measured values, or between two of them."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    rows = [
        f"| {f.title} | {_number(f.value)} {f.unit}".rstrip() + f" | {f.limit_text} | {_HOLDS[f.holds]} |"
        for f in figures
        if not f.detail
    ]
    return "\n".join(["| figure | value | limit | holds |", "| --- | ---: | --- | --- |", *rows]) + "\n"


def moved_since(reference: Figures, now: Figures) -> list[str]:
    """Which figures moved by more than 10 %, came or went."""
    before = {figure.name: figure for figure in reference.figures}
    after = {figure.name: figure for figure in now.figures}
    lines = [
        f"{figure.title}: {_number(before[name].value)} -> {_number(figure.value)} {figure.unit}"
        for name, figure in after.items()
        if name in before and figure.moved(before[name])
    ]
    lines += [f"{figure.title}: new, {_number(figure.value)} {figure.unit}" for name, figure in after.items()
              if name not in before]  # fmt: skip
    return lines + [f"{figure.title}: no more measured" for name, figure in before.items() if name not in after]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"
