"""The bench tests, run as their user runs them."""

import os
import subprocess
import sys

from support import ROOT

USAGE_ERROR = 4


def suite(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run them to their end."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "test/embedded.ini", ROOT / "test/hardware"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ESP", "PYTEST_"))}
    return subprocess.run(
        [*map(str, command), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=90, env=clean | environment,
    )  # fmt: skip


def complaint_of(ended: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why nothing was run."""
    assert ended.returncode == USAGE_ERROR
    (line,) = (ended.stdout + ended.stderr).strip().splitlines()
    return line
