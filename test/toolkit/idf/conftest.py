from pathlib import Path

import pytest

from toolkit.idf.idf_world import World


@pytest.fixture
def bare(tmp_path: Path) -> World:
    """A project, and nothing of ESP-IDF."""
    return World(tmp_path)


@pytest.fixture
def world(bare: World) -> World:
    """ESP-IDF is installed where the getting started guide puts it."""
    bare.install()
    return bare
