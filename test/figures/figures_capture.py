"""Reading and decoding of captures. Figures of a shared machine: compare runs of the same one."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.fixtures.captures import traffic
from support.instruments.figures import Figures
from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.decoder import DecodedBlock, Decoder
from tinybms_gateway.can.reader import Capture

MILLION = 1_000_000
LONG = 10 * MILLION
SAMPLE = 50_000
READ_AND_DECODE = """
import resource, sys
from pathlib import Path
from tinybms_gateway.can.decoder import Decoder
from tinybms_gateway.can.reader import Capture
decoder = Decoder()
for block in Capture(Path(sys.argv[1])):
    for frames in decoder.decode(block).frames.values():
        for signal in frames.message.signals:
            frames.physical(signal.name)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kb(capture: Path) -> int:
    """Most memory that a process needs that reads and decodes a capture."""
    return int(subprocess.check_output([sys.executable, "-c", READ_AND_DECODE, capture]))


def physical(decoded: DecodedBlock) -> dict[tuple[int, str], np.ndarray]:
    return {
        (identifier, signal.name): frames.physical(signal.name)
        for identifier, frames in decoded.frames.items()
        for signal in frames.message.signals
    }


@pytest.mark.timeout(300)
def test_reading(figures: Figures, capture_of: Callable[[int], Path]) -> None:
    path = capture_of(LONG)
    started = time.perf_counter()
    frames = sum(len(block) for block in Capture(path))
    figures.add("capture_read_s", "reading 10 million frames, candump", time.perf_counter() - started, "s", at_most=8)
    assert frames == LONG


@pytest.mark.timeout(300)
def test_memory(figures: Figures, capture_of: Callable[[int], Path]) -> None:
    growth = (peak_kb(capture_of(LONG)) - peak_kb(capture_of(MILLION))) / 1024
    figures.add("capture_memory_growth_mb", "memory for 10 million frames beyond that for 1 million", max(growth, 0),
                "MB", at_most=10)  # fmt: skip


@pytest.mark.timeout(300)
def test_decoding(figures: Figures) -> None:
    """Our decoder and cantools get the same frames, and find the same values; process time of one thread each."""
    [block] = list(traffic(SAMPLE, SAMPLE))
    decoder, database = Decoder(), load_database()
    frames = [(int(block.id[row]), block.bytes_of(row)) for row in range(SAMPLE)]

    started = time.process_time()
    theirs = [
        database.get_message_by_frame_id(identifier).decode_simple(data, decode_choices=False)
        for identifier, data in frames
    ]
    of_cantools = time.process_time() - started

    repeats = 20
    started = time.process_time()
    for _ in range(repeats):
        decoded = decoder.decode(block)
        ours = physical(decoded)
    of_us = (time.process_time() - started) / repeats

    for (identifier, name), values in ours.items():
        rows = decoded.frames[identifier].rows.tolist()
        assert values.tolist() == [float(theirs[row][name]) for row in rows]
    figures.add("decode_us", "decoding a frame to all its signals", of_us / SAMPLE * 1e6, "us")
    figures.add("decode_ratio", "decoding, times the speed of cantools", of_cantools / of_us, "", at_least=20)
