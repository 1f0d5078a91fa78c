"""Gives pytest-embedded the programs of the Unity suites: --target linux (default), esp32 (with --port), or qemu."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from idf_ext import suites_of

from tinybms_gateway.gateway.gateway_impl import build_dir as native_build_dir

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"linux": "idf", "esp32": "esp,idf", "qemu": "idf,qemu"}
# As `idf.py qemu` does: time stands still in an emulator whenever its host is busy.
QEMU_WITHOUT_WATCHDOG = "-global driver=timer.esp32.timg,property=wdt_disable,value=true"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suite", action="append", help="a suite of test/unit/suites.cmake; repeatable (default: all)")


def pytest_configure(config: pytest.Config) -> None:
    target = config.option.target = config.option.target or "linux"
    if target not in SERVICES:
        raise pytest.UsageError(f"--target {target}: is none of {', '.join(SERVICES)}")
    known = suites_of(target)
    unknown = set(config.option.suite or []).difference(known)
    if unknown:
        raise pytest.UsageError(f"--suite {', '.join(unknown)}: target {target} has {', '.join(known)}")
    # esptool.py, which pytest-embedded calls, is beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.option
    metafunc.parametrize("suite", option.suite or suites_of(option.target))


@pytest.fixture
def embedded_services(target: str) -> str:
    if target == "qemu" and shutil.which("qemu-system-xtensa") is None:
        pytest.fail("qemu-system-xtensa is not on PATH; Espressif's: idf_tools.py install qemu-xtensa", pytrace=False)
    return SERVICES[target]


@pytest.fixture
def qemu_extra_args() -> str:
    return QEMU_WITHOUT_WATCHDOG


@pytest.fixture
def build_dir(request: pytest.FixtureRequest, suite: str, target: str) -> str:
    chip_builds = Path(request.config.option.build_dir or ROOT / "build")
    built = (native_build_dir() / "unit" if target == "linux" else chip_builds) / suite
    if not list(built.glob("*.elf")):
        how = "make build" if target == "linux" else f"idf.py test --target {target} --suite {suite}"
        pytest.fail(f"{built} holds no program; it is built by: {how}", pytrace=False)
    return str(built)


@pytest.fixture(scope="session")
def session_root_logdir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))
