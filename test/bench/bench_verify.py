"""Ten million frames through `tinybms-gw can verify`, from a candump file, and how much memory it takes."""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench_figures import Figures
from capture_frames import START_US, Story, block_of
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.reader import BLOCK_FRAMES, Capture
from tinybms_gateway.can.verify.verify_impl import verify

FRAMES = 10_000_000
PART = FRAMES // 10
MOST_S = 20
MOST_GROWTH_MB = 16
MOST_US = 0.8
HOUR_US = 3_600_000_000
PEAK = (
    "import resource, sys; from tinybms_gateway.cli import main\n"
    "try: main()\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def write_traffic(path: Path, frames: int) -> Path:
    """So many frames of good traffic: an hour of it again and again, the time going on."""
    story = Story(seconds=3600)
    hour = [
        (frame.time_us - START_US, f" can0 {frame.id:03X}#{frame.data.hex().upper()}\n") for frame in story.frames()
    ]
    with path.open("w") as file:
        written, begins_us = 0, START_US
        while written < frames:
            part = hour[: frames - written]
            file.write("".join(f"({(begins_us + us) // 1_000_000}.{(begins_us + us) % 1_000_000:06}){rest}"
                               for us, rest in part))  # fmt: skip
            written, begins_us = written + len(part), begins_us + HOUR_US
    return path


@pytest.fixture(scope="module")
def ten_million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traffic(tmp_path_factory.mktemp("verify") / "ten_million.log", FRAMES)


def check(path: Path) -> tuple[int, float, float]:
    """Run it on good traffic whose energy counters begin anew every hour: frames, processor time s, peak memory MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-c", PEAK, "can", "verify", path, "--json", "--waive", "energy-forward=anew"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    used_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return json.loads(ended.stdout)["figures"]["frames"], used_s, int(ended.stderr.split()[-1]) / 1024


@pytest.mark.timeout(1200)
def test_ten_million_frames(figures: Figures, ten_million: Path, tmp_path: Path) -> None:
    begin_s = time.monotonic()
    frames, used_s, peak_mb = check(ten_million)
    seconds = time.monotonic() - begin_s
    assert frames == FRAMES
    figures.add("verify_s", "can verify, 10 million frames of candump", seconds, "s", at_most=MOST_S)
    figures.add("verify_cpu_s", "can verify, processor time of it", used_s, "s")
    part = tmp_path / "part.log"
    with ten_million.open() as whole, part.open("w") as file:
        file.writelines(islice(whole, PART))
    growth_mb = peak_mb - check(part)[2]
    figures.add("verify_growth_mb", "can verify, memory for 10 million frames above that for one million", growth_mb,
                "MB", at_most=MOST_GROWTH_MB)  # fmt: skip


class Repeated(Capture):
    """Blocks in memory: an hour of good traffic again and again."""

    def __init__(self, blocks: int) -> None:
        super().__init__(Path("memory.log"))
        hour = block_of(Story(seconds=3600).frames())
        self._hours, self._blocks = BLOCK_FRAMES // len(hour), blocks
        names = [field.name for field in dataclasses.fields(hour) if field.name != "first"]
        columns = {name: np.tile(getattr(hour, name), self._hours) for name in names}
        columns["time_us"] += np.repeat(np.arange(self._hours) * HOUR_US, len(hour))
        self._block = FrameBlock(0, **columns)

    def __iter__(self) -> Iterator[FrameBlock]:
        self.channels[:] = ["can0"]
        for i in range(self._blocks):
            times = self._block.time_us + i * self._hours * HOUR_US
            yield dataclasses.replace(self._block, first=i * len(self._block), time_us=times)


def test_decoding_and_all_rules_without_reading(figures: Figures) -> None:
    capture = Repeated(blocks=6)
    begin_s = time.process_time()
    report = verify(capture, waived={"energy-forward": "anew"})
    microseconds = (time.process_time() - begin_s) * 1e6 / report.figures.frames
    assert report.good
    figures.add("verify_rules_us", "can verify, decoding and all rules, a frame", microseconds, "us", at_most=MOST_US)
