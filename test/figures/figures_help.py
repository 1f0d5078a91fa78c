"""How long a command takes to show its help: what it loads for that is what a person waits for."""

import subprocess
import sys
import time
from pathlib import Path

from support.instruments.figures import Figures
from tinybms_gateway.cli import main
from tinybms_gateway.docs.cli import walk

TOOL = Path(sys.executable).with_name("tinybms-gw")
RUNS = 3
"""Of each command the quickest counts: the others were held up by something else."""


def help_s(words: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run([TOOL, *words, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def test_help(figures: Figures) -> None:
    slowest = max(min(help_s(path[1:]) for _ in range(RUNS)) for path, _ in walk(main))
    figures.add("help_slowest_s", "help of a command, the slowest of all", slowest, "s", at_most=0.25)
