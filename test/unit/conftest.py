"""Gives pytest-embedded the programs of the Unity suites: --target linux (default), esp32 (with --port), or qemu."""

import pytest
from idf_ext import suites_of

from support.fixtures.embedded import (
    built,
    cache_dir,
    chip_build_dir,
    choose_target,
    embedded_services,
    native_build_dir,
    qemu_extra_args,
    session_root_logdir,
)

__all__ = ["cache_dir", "embedded_services", "qemu_extra_args", "session_root_logdir"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suite", action="append", help="a suite of test/unit/suites.cmake; repeatable (default: all)")


def pytest_configure(config: pytest.Config) -> None:
    target = choose_target(config)
    known = suites_of(target)
    unknown = set(config.option.suite or []).difference(known)
    if unknown:
        raise pytest.UsageError(f"--suite {', '.join(unknown)}: target {target} has {', '.join(known)}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.option
    metafunc.parametrize("suite", option.suite or suites_of(option.target))


@pytest.fixture
def build_dir(request: pytest.FixtureRequest, suite: str, target: str) -> str:
    if target == "linux":
        return built(native_build_dir() / "unit" / suite, "make build")
    return built(chip_build_dir(request.config) / suite, f"idf.py test --target {target} --suite {suite}")
