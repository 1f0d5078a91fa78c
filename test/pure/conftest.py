from pathlib import Path

import pytest

from pure.pure_library import Pure


@pytest.fixture(scope="session")
def pure(native_build: Path) -> Pure:
    return Pure(native_build / "libtinybms_pure.so")
