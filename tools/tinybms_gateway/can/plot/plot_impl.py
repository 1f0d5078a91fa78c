"""A capture as a picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.clock import check_clock
from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.database import load_database, signal_name
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
from tinybms_gateway.whole_file import check_place, whole_file

FORMATS = (".png", ".svg", ".pdf")
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
            raise ValueError(f"--to {self.to_s:g} is not behind --from {self.from_s:g}")


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
    """Of the picture, since its begin."""
    frames: int = 0
    channels: int = 0
    values: dict[str, Extremes] = field(default_factory=dict)
    """Signal -> its course."""
    active: dict[str, Extremes] = field(default_factory=dict)
    """Alarm or warning, or `OFFLINE` -> 1 where it is active."""
    limits_gaps: Gaps = field(default_factory=lambda: Gaps(LIMITS_LOST_S * 1_000_000))
    keepalive_gaps: Gaps = field(default_factory=lambda: Gaps(KEEPALIVE_LOST_S * 1_000_000))

    def take(self, decoded: DecodedBlock) -> None:
        """Add frames; times count from the begin of the picture."""
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


def numeric_signals(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as the DBC writes them.

    Raises:
        ValueError: there is no such signal, or it is no number.
    """
    signals = {s.name: s for message in load_database().messages for s in message.signals}
    found = tuple(signal_name(name, signals) for name in names)
    for name in found:
        if signals[name].length > 32:
            raise ValueError(f"--signal {name}: is a text, no number")
    return found


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
        raise CaptureError(f"{path}: none of its {story.frames} frames has something to draw")
    return story


def plot(
    path: Path,
    output: Path,
    signals: tuple[str, ...],
    window: Window,
    *,
    seconds: bool,
    progress: Callable[[float], None] = lambda _: None,
) -> Story:
    """Draw a capture.

    Args:
        path: the capture
        output: picture to write; replaced when it is there
        signals: what to draw; empty: the overview
        window: part of the capture
        seconds: time axis in seconds since its first frame, not in local time
        progress: told what part of the capture has been read

    Raises:
        ValueError: no such format or signal, or the capture cannot be read (`CaptureError`).
    """
    if output.suffix.lower() not in FORMATS:
        raise ValueError(f"{output}: give a name that ends with {', '.join(FORMATS)}")
    signals = numeric_signals(signals)
    from tinybms_gateway.can.plot.draw import draw  # noqa: PLC0415 - what was asked is checked before matplotlib is loaded
    from tinybms_gateway.picture import save  # noqa: PLC0415

    check_place(output, source=path, force=True)
    with whole_file(output, force=True) as part:
        story = read_story(path, signals, window, progress)
        save(draw(story, seconds_since=window.from_s if seconds or not story.absolute_time else None), part,
             dpi=100, kind=output.suffix[1:].lower())  # fmt: skip
    return story


def _part(block: FrameBlock, first: int, window: Window) -> FrameBlock:
    """Frames of a window, with times from its begin."""
    begin = first + round(window.from_s * 1e6)
    time_us = block.time_us - begin
    inside = time_us >= 0 if window.from_s > 0 else np.ones(len(block), np.bool_)
    if window.to_s is not None:
        inside &= block.time_us <= first + round(window.to_s * 1e6)
    moved = FrameBlock(block.first, time_us, block.id, block.flags, block.length, block.data, block.channel)
    return moved if bool(inside.all()) else moved.take(inside)
