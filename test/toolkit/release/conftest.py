"""A project for each test, with a git that knows nothing of the user's settings."""

import shutil
from pathlib import Path

import pytest

from support.fixtures.release_project import Project, new_project


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("TINYBMS_RELEASES", raising=False)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "Somebody")
            patch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")
        return new_project(tmp_path_factory.mktemp("pattern") / "project").root


@pytest.fixture
def project(pattern: Path, tmp_path: Path) -> Project:
    """Version 0.2.0, one commit, clean, built, nothing recorded."""
    root = tmp_path / "project"
    shutil.copytree(pattern, root, copy_function=shutil.copy2)
    return Project(root)
