"""Gathers the figures of a run, prints them as a table, and fails when a limit does not hold."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from support.fixtures.captures import traffic, write_candump
from support.instruments.figures import REFERENCE, Figures, load, moved_since, table
from tinybms_gateway.gateway_process import build_dir

FIGURES = pytest.StashKey[Figures]()
BUSY_PERCENT = 50
"""Tests, simulator and gateway alone keep the processors in use for much less."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return request.config.stash[FIGURES]


@pytest.fixture(scope="session")
def capture_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes a candump log of so many frames (47 MB a million), once in a run; no test changes it."""
    directory = tmp_path_factory.mktemp("captures")
    return cache(lambda frames: write_candump(directory / f"{frames}.log", traffic(frames)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[FIGURES]
    if not found.figures:
        return  # nothing was measured: a run of the tests finds this file too
    found.save(build_dir() / "figures.json")
    if found.broken():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[FIGURES]
    if not found.figures:
        return
    write = terminalreporter.write_line
    write(f"\n{build_dir() / 'figures.json'}\n{table(found.figures)}")
    moved = moved_since(load(REFERENCE), found) if REFERENCE.exists() else []
    if moved:
        write("moved by more than 10 % since the last record:")
        for line in moved:
            write(f"  {line}")
        write("say why in the commit, and record with `make figures-record`")
    if any(figure.name == "machine_busy" and figure.value > BUSY_PERCENT for figure in found.figures):
        write("the machine was busy with other things: the times are not those of a quiet one")
    for figure in found.broken():
        write(f"LIMIT DOES NOT HOLD: {figure.title}: {figure.value:g} {figure.unit}, has to be {figure.limit_text}")
