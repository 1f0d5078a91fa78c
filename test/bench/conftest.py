"""Gathers the figures of a bench, prints them as a table, and fails when a limit does not hold."""

import pytest

from bench_figures import REFERENCE, Figures, load, moved_since, table
from tinybms_gateway.gateway.gateway_impl import build_dir

FIGURES = pytest.StashKey[Figures]()
BUSY_PERCENT = 50
"""Bench, simulator and gateway alone keep the processors in use for much less."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return request.config.stash[FIGURES]


def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[FIGURES]
    found.save(build_dir() / "bench.json")
    if found.broken():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[FIGURES]
    write = terminalreporter.write_line
    write(f"\n{build_dir() / 'bench.json'}\n{table(found.figures)}")
    moved = moved_since(load(REFERENCE), found) if REFERENCE.exists() else []
    if moved:
        write("moved by more than 10 % since the last record:")
        for line in moved:
            write(f"  {line}")
        write("write it in CHANGELOG.md and record with `make bench-record`")
    if any(figure.name == "machine_busy" and figure.value > BUSY_PERCENT for figure in found.figures):
        write("the machine was busy with other things: the times are not those of a quiet one")
    for figure in found.broken():
        write(f"LIMIT DOES NOT HOLD: {figure.title}: {figure.value:g} {figure.unit}, has to be {figure.limit_text}")
