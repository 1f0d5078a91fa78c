"""What all tests share: where the tree and its native build are."""

from pathlib import Path

import pytest

from support import ROOT
from tinybms_gateway.gateway_process import build_dir


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def native_build() -> Path:
    """The native build under test: build-linux, or what TINYBMS_BUILD_DIR names (a build with sanitizers)."""
    return build_dir()


@pytest.fixture(scope="session")
def real_dump() -> Path:
    """Registers of a real 14-cell TinyBMS."""
    return ROOT / "test/data/tinybms_real_14s.json"
