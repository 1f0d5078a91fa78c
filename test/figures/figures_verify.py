"""Ten million frames through `tinybms-gw can verify`, from a candump file, and how much memory it takes."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fixtures.capture_frames import BlockCapture
from support.fixtures.captures import traffic
from support.instruments.figures import Figures
from tinybms_gateway.can.reader import BLOCK_FRAMES
from tinybms_gateway.can.verify.engine import verify

FRAMES = 10_000_000
PART = FRAMES // 10
MOST_S = 20
MOST_GROWTH_MB = 16
MOST_US = 0.8
PEAK = (
    "import resource, sys; from tinybms_gateway.cli import main\n"
    "try: main()\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def check(path: Path) -> tuple[int, float, float]:
    """Run it on good traffic: frames, processor time s, peak memory MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, "-c", PEAK, "can", "verify", path, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    used_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return json.loads(ended.stdout)["figures"]["frames"], used_s, int(ended.stderr.split()[-1]) / 1024


@pytest.mark.timeout(1200)
def test_ten_million_frames(figures: Figures, capture_of: Callable[[int], Path]) -> None:
    path = capture_of(FRAMES)
    with path.open("rb") as file:  # so that it is not the disk that is measured
        while file.read(1 << 24):
            pass
    begin_s = time.monotonic()
    frames, used_s, peak_mb = check(path)
    seconds = time.monotonic() - begin_s
    assert frames == FRAMES
    figures.add("verify_s", "can verify, 10 million frames of candump", seconds, "s", at_most=MOST_S)
    figures.add("verify_cpu_s", "can verify, processor time of it", used_s, "s")
    growth_mb = peak_mb - check(capture_of(PART))[2]
    figures.add("verify_growth_mb", "can verify, memory for 10 million frames above that for one million", growth_mb,
                "MB", at_most=MOST_GROWTH_MB)  # fmt: skip


def test_decoding_and_all_rules_without_reading(figures: Figures) -> None:
    capture = BlockCapture(list(traffic(3_000_000, BLOCK_FRAMES)))
    begin_s = time.process_time()
    report = verify(capture)
    microseconds = (time.process_time() - begin_s) * 1e6 / report.figures.frames
    assert report.good
    figures.add("verify_rules_us", "can verify, decoding and all rules, a frame", microseconds, "us", at_most=MOST_US)
