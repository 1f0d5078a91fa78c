"""A capture as a picture."""

from collections.abc import Callable
from pathlib import Path

from tinybms_gateway.can.database import load_database, signal_name
from tinybms_gateway.can.plot.story import Story, Window, read_story
from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.whole_file import check_place, whole_file

with lazy_imports():  # matplotlib: what was asked for is checked first
    from tinybms_gateway import picture
    from tinybms_gateway.can.plot import draw

FORMATS = (".png", ".svg", ".pdf")


def numeric_signals(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as the DBC writes them.

    Raises:
        ValueError: there is no such signal, or it is not a number.
    """
    signals = {s.name: s for message in load_database().messages for s in message.signals}
    found = tuple(signal_name(name, signals) for name in names)
    for name in found:
        if signals[name].length > 32:
            raise ValueError(f"--signal {name}: is text, not a number")
    return found


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
        output: picture to write; overwritten if it exists
        signals: what to draw; empty: the overview
        window: part of the capture
        seconds: time axis in seconds since its first frame, not in local time
        progress: called with the part of the capture read so far

    Raises:
        ValueError: no such format or signal, or the capture cannot be read (`CaptureError`).
    """
    if output.suffix.lower() not in FORMATS:
        raise ValueError(f"{output}: give a name that ends with {', '.join(FORMATS)}")
    signals = numeric_signals(signals)
    check_place(output, source=path, force=True)
    with whole_file(output, force=True) as part:
        story = read_story(path, signals, window, progress)
        figure = draw.draw(story, seconds_since=window.from_s if seconds or not story.absolute_time else None)
        picture.save(figure, part, dpi=100, kind=output.suffix[1:].lower())
    return story
