"""Gathers the figures of a run, prints them as a table, and fails when a limit does not hold."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from support.fixtures.captures import traffic, write_candump
from support.instruments.figures import RECORDS, Figures, load, moved_since, table
from support.instruments.machine import real_time_priority
from tinybms_gateway.gateway_process import build_dir

FIGURES = pytest.StashKey[dict[str, Figures]]()
"""By the set that a file belongs to: figures_*.py or soak_*.py."""
BUSY = ("machine_busy", "web_machine_busy", "soak_machine_busy")
BUSY_PERCENT = 50
"""Tests, simulator and gateway alone keep the processors in use for much less."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    name = request.path.stem.partition("_")[0]
    return request.config.stash[FIGURES].setdefault(name, Figures())


@pytest.fixture
def before_everything_else() -> Iterator[None]:
    """Test, simulator and gateway go before all other programs, as the control path does on the chip."""
    with real_time_priority():
        yield


@pytest.fixture(scope="session")
def capture_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes a candump log of so many frames (47 MB a million), once in a run; no test changes it."""
    directory = tmp_path_factory.mktemp("captures")
    return cache(lambda frames: write_candump(directory / f"{frames}.log", traffic(frames)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    for name, found in session.config.stash[FIGURES].items():
        if not found.figures:
            continue  # nothing was measured
        found.save(build_dir() / f"{name}.json")
        if found.broken():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    write = terminalreporter.write_line
    for name, found in config.stash[FIGURES].items():
        if not found.figures:
            continue
        record = RECORDS[name]
        write(f"\n{build_dir() / f'{name}.json'}\n{table(found.figures)}")
        moved = moved_since(load(record.reference), found) if record.reference.exists() else []
        if moved:
            write("moved by more than 10 % since the last record:")
            for line in moved:
                write(f"  {line}")
            write(f"say why in the commit, and record with `make {record.recorded_by}`")
        if any(figure.name in BUSY and figure.value > BUSY_PERCENT for figure in found.figures):
            write("the machine was busy with other things: the times are not those of a quiet one")
        for figure in found.broken():
            write(f"LIMIT DOES NOT HOLD: {figure.title}: {figure.value:g} {figure.unit}, has to be {figure.limit_text}")
