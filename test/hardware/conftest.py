"""The bench: a gateway (--target linux, esp32 or qemu), a TinyBMS on its UART and a CAN adapter on its bus.

See docs/testing/bench.md for the options and the wiring.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_embedded import Dut

from support import ROOT
from support.fixtures.bench_options import (
    CAN_VARIABLE,
    CONSOLE_VARIABLE,
    HTTP_VARIABLE,
    NONE,
    UART_VARIABLE,
    BenchOptions,
    add_options,
    read_options,
)
from support.fixtures.embedded import (
    built,
    cache_dir,
    chip_build_dir,
    embedded_services,
    native_build_dir,
    qemu_extra_args,
    session_root_logdir,
)
from support.fixtures.rig import Rig, running_rig
from tinybms_gateway.gateway_process import OWN_BUS, OWN_WEB
from tinybms_gateway.sim.bms.ends import port_end
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line

__all__ = ["cache_dir", "embedded_services", "qemu_extra_args", "session_root_logdir"]

OPTIONS = pytest.StashKey[BenchOptions]()
LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()
PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    options = config.stash[OPTIONS] = read_options(config)
    config.stash[LEFT_OUT] = {}
    if not (config.option.xmlpath or config.option.collectonly):
        config.option.xmlpath = str(options.directory / "junit.xml")


def pytest_sessionstart(session: pytest.Session) -> None:
    # As Ctrl-C: otherwise the gateway and the processes of pytest-embedded would live on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not session.config.option.collectonly:
        session.config.stash[OPTIONS].check()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what this bench cannot do; `pytest_terminal_summary` says what and why."""
    left_out = []
    for item in list(items):
        needed = {what for marker in item.iter_markers("needs") for what in marker.args}
        reason = config.stash[OPTIONS].lacks(needed)
        if reason:
            items.remove(item)
            left_out.append(item)
            config.stash[LEFT_OUT].setdefault(reason, []).append(item.name)
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, names in config.stash[LEFT_OUT].items():
        for name in names:
            terminalreporter.write_line(f"not run: {name}: {reason}")
    terminalreporter.write_line(f"log and capture of each bench test are in {config.stash[OPTIONS].directory}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:  # noqa: ARG001
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> BenchOptions:
    return request.config.stash[OPTIONS]


@pytest.fixture
def build_dir(request: pytest.FixtureRequest, target: str) -> str:
    if target == "linux":
        return built(native_build_dir(), "make build")
    return built(chip_build_dir(request.config), "idf.py build")


@pytest.fixture
def app_path() -> str:
    return str(ROOT)


@pytest.fixture
def test_case_tempdir(test_case_name: str, bench: BenchOptions) -> str:
    """Log and capture of the test are kept; those of its last run are replaced."""
    directory = bench.directory / test_case_name
    directory.mkdir(parents=True, exist_ok=True)
    for old in (*directory.glob("*.log"), *directory.glob("*.xml")):
        old.unlink()
    return str(directory)


@pytest.fixture
def scale(request: pytest.FixtureRequest, bench: BenchOptions) -> float:
    marker = request.node.get_closest_marker("time_scale")
    on_this_machine = bench.target == "linux" and bench.bms_port is None and bench.bms != "real"
    return float(marker.args[0]) if marker and on_this_machine else 1.0


@pytest.fixture
def bms(bench: BenchOptions, scale: float, tmp_path: Path) -> Iterator[BmsLine | None]:
    """The simulated TinyBMS, on a pseudo terminal or on the port that it was given."""
    with ExitStack() as stack:
        end = port_end(bench.bms_port) if bench.bms_port else tmp_path / "bms"
        yield stack.enter_context(make_line(end, time_scale=scale)) if bench.bms == "simulator" else None


@pytest.fixture
def surroundings(
    bench: BenchOptions, scale: float, bms: BmsLine | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the native gateway is told; pytest-embedded can give a program no arguments."""
    if bench.target != "linux":
        return
    if bms is not None and bench.bms_port is None:
        monkeypatch.setenv(UART_VARIABLE, str(bms.link))
    if bench.bms == NONE:
        monkeypatch.delenv(UART_VARIABLE, raising=False)
    if bench.can == NONE:
        monkeypatch.delenv(CAN_VARIABLE, raising=False)
    elif bench.can == OWN_BUS or CAN_VARIABLE not in os.environ:
        monkeypatch.setenv(CAN_VARIABLE, bench.can)
    monkeypatch.setenv(HTTP_VARIABLE, OWN_WEB)
    monkeypatch.setenv(CONSOLE_VARIABLE, "1")
    monkeypatch.setenv("TINYBMS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TINYBMS_TIME_SCALE", str(scale))


@pytest.fixture
def dut(surroundings: None, dut: Dut) -> Dut:  # noqa: ARG001 - it has to be there before the gateway starts
    return dut


@pytest.fixture
def rig(
    request: pytest.FixtureRequest, bench: BenchOptions, dut: Dut, bms: BmsLine | None, scale: float, tmp_path: Path
) -> Iterator[Rig]:
    with running_rig(
        Rig(bench, dut, bms, scale, tmp_path / "data"), lambda: request.node.stash.get(PASSED, False)
    ) as running:
        yield running
