"""Convert captures to other formats, and to tables of decoded signals."""

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from tinybms_gateway.can.clock import check_clock
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.convert import dataset
from tinybms_gateway.can.convert.messages import messages, whole_frames
from tinybms_gateway.can.reader import Capture, CaptureError
from tinybms_gateway.can.writer import FORMATS, UNZIPPED, CaptureFile, format_of
from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.whole_file import check_place, whole_file

with lazy_imports():  # asammdf takes a second, and is an extra of this package
    from tinybms_gateway.can.convert import mf4

BLOCK_FRAMES = 100_000
SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
PARQUET = ".parquet"
FROM_THE_FIRST_ON = (".log", ".blf", ".asc")
"""Formats whose writers cannot hold a frame that is older than the first one."""
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Converted:
    """The result of converting a capture."""

    source: Path
    target: Path
    frames: int
    left_out: int
    """Frames that the format cannot hold."""
    moved: int
    """Frames that were older than an earlier one, and now have its time."""
    loses: str

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "capture": str(self.source),
            "file": str(self.target),
            "frames": self.frames,
            "left_out": self.left_out,
            "moved": self.moved,
            "loses": self.loses,
        }

    def __str__(self) -> str:
        left_out = f", {self.left_out} left out that {format_of(self.target)} cannot hold" if self.left_out else ""
        moved = f", {self.moved} out of order and moved to the time of the frame before" if self.moved else ""
        return f"{self.target}: {self.frames} frames{left_out}{moved}"


def parse_start(text: str) -> int:
    """Read a time in ISO 8601; UTC if it names no zone.

    Returns:
        Microseconds since 1970.

    Raises:
        ValueError: it is not a time.
    """
    try:
        time = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError:
        raise ValueError(f"--start {text}: give a time such as 2026-11-26T12:00:00+01:00") from None
    zoned = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    since = zoned - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def check_site(site: str) -> str:
    """Check that a name is safe as a directory.

    Raises:
        ValueError: it is not.
    """
    if not SITE.fullmatch(site):
        raise ValueError(f"--site {site!r}: give at most 63 letters, digits, '.', '_' and '-', a letter or digit first")
    return site


def loses(target: Path) -> str:
    """What a format does not keep.

    Raises:
        ValueError: it cannot be written.
    """
    if target.suffix.lower() == PARQUET:
        return "frames that are not of this protocol; the rest are decoded"
    name = format_of(target)
    if not name:
        endings = ", ".join([*FORMATS, *(f"{n}.gz" for n in FORMATS if n not in UNZIPPED), PARQUET])
        raise ValueError(f"{target}: give a name that ends with {endings}")
    return FORMATS[name].loses


def convert(
    source: Path, target: Path, start_us: int | None, *, force: bool, progress: Progress
) -> Converted | dataset.Written:
    """Write a capture in the format that the name of the target says.

    Args:
        source: the capture
        target: the file to write
        start_us: start time of a capture without a clock
        force: overwrite the target
        progress: called with the part of the capture converted so far

    Raises:
        ValueError: the capture cannot be read (`CaptureError`), the target cannot be written, or the time is missing.
    """
    lost = loses(target)
    check_place(target, source=source, force=force)
    with whole_file(target, force=force) as part:
        blocks = _blocks(source, start_us, needs_clock=format_of(target) != ".asc", progress=progress)
        if target.suffix.lower() == PARQUET:
            return replace(dataset.write_file(part, source, blocks), files=[target])
        result = Converted(source, target, *_write(part, target, blocks), lost)
        if not result.frames:
            raise CaptureError(f"{source}: no frames that {format_of(target)} can hold; nothing was written")
    return result


def convert_to_dataset(
    source: Path, directory: Path, site: str, start_us: int | None, *, force: bool, progress: Progress
) -> dataset.Written:
    """Add a capture to a Parquet dataset.

    Raises:
        ValueError: as `convert`
    """
    blocks = _blocks(source, start_us, needs_clock=True, progress=progress)
    return dataset.write_dataset(directory, check_site(site), source, blocks, force=force)


def _blocks(
    source: Path, start_us: int | None, *, needs_clock: bool, progress: Progress
) -> Iterator[tuple[FrameBlock, list[str]]]:
    """Blocks with times of a clock, and the names of the channels met so far."""
    capture = Capture(source, BLOCK_FRAMES)
    for block in capture:
        timed = block
        if capture.absolute_time and start_us is not None:
            raise ValueError(f"{source}: has clock times; --start is for captures without them")
        if not capture.absolute_time and start_us is not None:
            timed = replace(block, time_us=block.time_us + start_us)
        elif not capture.absolute_time and needs_clock:
            raise ValueError(f"{source}: has no clock times; give its start time with --start")
        check_clock(source, timed)
        yield timed, capture.channels
        progress(capture.part)


def _write(part: Path, target: Path, blocks: Iterator[tuple[FrameBlock, list[str]]]) -> tuple[int, int, int]:
    """Frames written, left out, and moved in time."""
    if format_of(target) == ".mf4":
        return _write_mf4(part, blocks)
    file = CaptureFile(part, target, force=True)
    partial = moved = 0
    first_us: int | None = None
    try:
        for block, channels in blocks:
            whole = whole_frames(block)
            partial += len(block) - len(whole)
            if len(whole) and format_of(target) in FROM_THE_FIRST_ON:
                first_us = int(whole.time_us[0]) if first_us is None else first_us
                moved += int((whole.time_us < first_us).sum())
                whole = replace(whole, time_us=np.maximum(whole.time_us, first_us))
            for message in messages(whole, channels):
                file.write(message)
    finally:
        file.close()
    return file.frames, file.left_out + partial, moved


def _write_mf4(part: Path, blocks: Iterator[tuple[FrameBlock, list[str]]]) -> tuple[int, int, int]:
    if importlib.util.find_spec("asammdf") is None:
        raise ValueError("MF4 needs one more package: pip install 'tinybms-gateway[mf4]'")
    file = mf4.Mf4File(part)
    frames = left_out = 0
    for block, channels in blocks:
        whole = whole_frames(block)
        left_out += len(block) - len(whole)
        frames += len(whole)
        if len(whole):
            file.write(whole, channels)
    file.save()
    return frames, left_out, file.moved
