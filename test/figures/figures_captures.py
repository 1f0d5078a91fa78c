"""What recording, converting and drawing a capture take."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import can
import pytest

from support.instruments.figures import Figures
from support.peers.socketcand import socketcand_server

TOOL = Path(sys.executable).with_name("tinybms-gw")
SHORT, LONG = 250_000, 1_000_000
FULL_LOAD = 4000


def cost(*arguments: str | Path) -> tuple[float, float]:
    """Seconds, and most memory in MB."""
    began = time.monotonic()
    process = subprocess.Popen(
        [TOOL, "can", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.monotonic() - began, usage.ru_maxrss / 1000


@pytest.mark.timeout(900)
def test_memory_does_not_grow_with_the_capture(
    figures: Figures, capture_of: Callable[[int], Path], tmp_path: Path
) -> None:
    short, long = capture_of(SHORT), capture_of(LONG)
    for name, title, command in (
        ("parquet", "capture to Parquet", lambda path: ("convert", "--parquet", tmp_path / "ds", path)),
        ("blf", "capture to BLF", lambda path: ("convert", path, tmp_path / f"{path.stem}.blf")),
        ("plot", "capture to a picture", lambda path: ("plot", path, "-o", tmp_path / f"{path.stem}.png")),
    ):
        _, little = cost(*command(short))
        seconds, much = cost(*command(long))
        figures.add(f"capture_{name}_rate", f"{title}, with reading", LONG / seconds, "frames/s", detail=True)
        figures.add(f"capture_{name}_memory", f"{title}, memory", much, "MB", detail=True)
        figures.add(f"capture_{name}_growth", f"{title}, memory for four times the frames", much / little, "times",
                    at_most=1.25)  # fmt: skip


@pytest.mark.timeout(120)
def test_recording_beyond_full_load(figures: Figures, tmp_path: Path) -> None:
    """Four times what 500 kbit/s carry, for five seconds."""
    path, frames = tmp_path / "x.log", 4 * FULL_LOAD * 5
    with (
        socketcand_server() as bus,
        subprocess.Popen([TOOL, "can", "capture", "--can", bus.backend, "-o", path], stdout=subprocess.PIPE) as process,
    ):
        bus.send_at(4 * FULL_LOAD, frames)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    recorded = sum(1 for _ in can.LogReader(path))
    figures.add("recording_lost", "recording at 16000 frames/s, lost", frames - recorded, "frames", at_most=0)
