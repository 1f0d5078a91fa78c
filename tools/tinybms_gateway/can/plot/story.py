"""What a picture of a capture shows, read in one pass over its blocks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.clock import check_clock
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.decoder import DecodedBlock, Decoder
from tinybms_gateway.can.protocol import (
    ALARMS_ID,
    KEEPALIVE_ID,
    KEEPALIVE_LOST_S,
    LIMITS_ID,
    LIMITS_LOST_S,
    NOT_SUPPORTED,
)
from tinybms_gateway.can.reader import Capture, CaptureError
from tinybms_gateway.can.reduce import Extremes, Gaps

OVERVIEW = ("SOC", "SOCHighResolution", "Voltage", "CVL", "DVL", "Current", "CCL", "DCL", "CellVoltageMin",
            "CellVoltageMax", "Temperature", "CellTemperatureMin", "CellTemperatureMax")  # fmt: skip
OFFLINE = "SystemStatus"
BLOCK_FRAMES = 100_000


@dataclass(frozen=True)
class Window:
    """Part of a capture, in seconds since its first frame."""

    from_s: float = 0.0
    to_s: float | None = None

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: it is empty.
        """
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"--to {self.to_s:g} is not after --from {self.from_s:g}")


@dataclass
class Story:
    """What a picture shows."""

    path: Path
    signals: tuple[str, ...]
    """Chosen ones; empty: the overview."""
    absolute_time: bool = True
    begin_us: int = 0
    """Of the picture."""
    end_us: int = 0
    """Of the picture, since its start."""
    frames: int = 0
    channels: int = 0
    values: dict[str, Extremes] = field(default_factory=dict)
    """Signal -> its course."""
    active: dict[str, Extremes] = field(default_factory=dict)
    """Alarm or warning, or `OFFLINE` -> 1 where it is active."""
    limits_gaps: Gaps = field(default_factory=lambda: Gaps(LIMITS_LOST_S * 1_000_000))
    keepalive_gaps: Gaps = field(default_factory=lambda: Gaps(KEEPALIVE_LOST_S * 1_000_000))

    def take(self, decoded: DecodedBlock) -> None:
        """Add frames; times count from the start of the picture."""
        self.frames += len(decoded.block)
        self.end_us = max(self.end_us, int(decoded.block.time_us.max()))
        for identifier, frames in decoded.frames.items():
            for signal in frames.message.signals:
                if signal.name in (self.signals or OVERVIEW):
                    self.values.setdefault(signal.name, Extremes()).take(
                        frames.time_us,
                        without_unknown(frames.raw(signal.name), frames.physical(signal.name), signal.choices),
                    )
                if identifier == ALARMS_ID:
                    wanted = 1  # of the pairs: active; of the status: offline
                    active = (frames.raw(signal.name) == wanted).astype(np.float64)
                    self.active.setdefault(signal.name, Extremes()).take(frames.time_us, active)
        for identifier, gaps in ((LIMITS_ID, self.limits_gaps), (KEEPALIVE_ID, self.keepalive_gaps)):
            if identifier in decoded.frames:
                gaps.take(decoded.frames[identifier].time_us)

    def finish(self) -> None:
        """The capture ends."""
        self.limits_gaps.finish(self.end_us)
        self.keepalive_gaps.finish(self.end_us)


def without_unknown(
    raw: NDArray[np.int64], physical: NDArray[np.float64], choices: Mapping[int, object] | None
) -> NDArray[np.float64]:
    """Values, NaN where the frame says that it has none."""
    unknown = [number for number, text in (choices or {}).items() if str(text) == NOT_SUPPORTED]
    return np.where(np.isin(raw, unknown), np.nan, physical) if unknown else physical


def read_story(path: Path, signals: tuple[str, ...], window: Window, progress: Callable[[float], None]) -> Story:
    """Go once through a capture.

    Raises:
        CaptureError: it cannot be read, or has nothing to show.
    """
    capture, decoder, story = Capture(path, BLOCK_FRAMES), Decoder(), Story(path, signals)
    first: int | None = None
    for block in capture:
        check_clock(path, block)
        first = int(block.time_us[0]) if first is None else first
        part = _part(block, first, window)
        if len(part):
            story.take(decoder.decode(part))
        progress(capture.part)
    if first is None or not story.frames:
        raise CaptureError(f"{path}: {'no frames' if first is None else 'no frames between --from and --to'}")
    story.absolute_time, story.channels = capture.absolute_time, len(capture.channels)
    story.begin_us = first + round(window.from_s * 1e6)
    story.finish()
    if missing := [name for name in signals if name not in story.values]:
        raise CaptureError(f"{path}: none of its {story.frames} frames has {', '.join(missing)}")
    if not story.values and not story.active:
        raise CaptureError(f"{path}: none of its {story.frames} frames has anything to plot")
    return story


def _part(block: FrameBlock, first: int, window: Window) -> FrameBlock:
    """Frames of a window, with times from its start."""
    begin = first + round(window.from_s * 1e6)
    time_us = block.time_us - begin
    inside = time_us >= 0 if window.from_s > 0 else np.ones(len(block), np.bool_)
    if window.to_s is not None:
        inside &= block.time_us <= first + round(window.to_s * 1e6)
    moved = FrameBlock(block.first, time_us, block.id, block.flags, block.length, block.data, block.channel)
    return moved if bool(inside.all()) else moved.take(inside)
