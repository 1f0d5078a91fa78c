"""The picture of a capture: its lines, bars and shaded times, and what it does with long and bad captures."""

from pathlib import Path

import matplotlib.dates as mdates
import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from tinybms_gateway.can.plot.draw import draw
from tinybms_gateway.can.plot.story import Window, read_story
from tinybms_gateway.can.reduce import COLUMNS, Extremes, Gaps
from tinybms_gateway.cli import main

START = 1_795_694_400
"""2026-11-26 12:00:00 UTC."""
PNG = b"\x89PNG\r\n\x1a\n"


def le(*values: int) -> str:
    return b"".join(value.to_bytes(2, "little", signed=value < 0) for value in values).hex()


def capture(path: Path, seconds: int = 60, limits_missing: range = range(20, 26)) -> Path:
    """0x351 is missing from 20 to 25 s, the keepalive from 30 to 45 s; AlarmHighVoltage is active from 10 to 14 s."""
    lines = []
    for s in range(seconds):
        frames = [
            (0x355, le(50, 98, 5000 + s, 0)),
            (0x356, le(5300 + s % 7, -123, 231, 0)),
            (0x373, le(3300, 3350, 294, 297)),
        ]
        if s not in limits_missing:
            frames.append((0x351, le(568, 1000, 1200, 464)))
        if s not in range(30, 46):
            frames.append((0x305, "00" * 8))
        high = "A6" if 10 <= s < 15 else "AA"
        frames.append((0x35A, f"{high}AAAA02AAAAAA0A"))
        lines += [f"({START + s}.{i:06}) can0 {n:03X}#{data.upper()}\n" for i, (n, data) in enumerate(sorted(frames))]
    path.write_text("".join(lines))
    return path


def figure_of(path: Path, *signals: str, window: Window | None = None, seconds: bool = True) -> Figure:
    window = window or Window()
    story = read_story(path, signals, window, lambda _: None)
    return draw(story, window.from_s if seconds else None)


def plot(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["can", "plot", *map(str, arguments)])


def spans(collection: PolyCollection) -> list[tuple[float, float]]:
    return [(float(p.vertices[:, 0].min()), float(p.vertices[:, 0].max())) for p in collection.get_paths()]


def test_the_overview_has_a_panel_for_each_kind_of_value(tmp_path: Path) -> None:
    axes = figure_of(capture(tmp_path / "x.log")).axes
    assert [ax.get_ylabel() for ax in axes] == [
        "SOC, %",
        "voltage, V",
        "current, A",
        "cells, mV",
        "temperature, °C",
        "",
    ]
    lines = {line.get_label(): np.asarray(line.get_ydata(), float) for ax in axes for line in ax.get_lines()}
    assert {"SOC", "CVL", "DVL", "CCL", "-DCL", "highest", "lowest", "warmest sensor", "coldest sensor"} <= set(lines)
    assert np.nanmax(lines["SOC"]) == pytest.approx(50.59)
    assert lines["CVL"][~np.isnan(lines["CVL"])] == pytest.approx(56.8)
    assert set(lines["-DCL"][~np.isnan(lines["-DCL"])]) == {-120.0}
    assert np.nanmin(lines["battery,\n+ = charging"]) == pytest.approx(-12.3)
    assert np.nanmin(lines["coldest sensor"]) == pytest.approx(20.85)
    assert [text.get_text() for text in axes[-1].get_yticklabels()] == ["high voltage"]


def test_alarms_are_bars_and_silence_is_shaded(tmp_path: Path) -> None:
    figure = figure_of(capture(tmp_path / "x.log"))
    polygons = [c for c in figure.axes[-1].collections if isinstance(c, PolyCollection) and c.get_paths()]
    found = sorted(span for collection in polygons for span in spans(collection))
    assert found == [
        (pytest.approx(10, abs=0.01), pytest.approx(15, abs=0.01)),  # the alarm
        (pytest.approx(19, abs=0.01), pytest.approx(26, abs=0.01)),  # 0x351
        (pytest.approx(29, abs=0.01), pytest.approx(46, abs=0.01)),  # 0x305
    ]
    assert all(len([c for c in ax.collections if c.get_paths()]) >= 2 for ax in figure.axes), "over the whole height"
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == [
        "no 0x351 for over 3 s: the GX stops the system (once)",
        "no GX keepalive (0x305) for over 10 s (once)",
    ]


def test_what_never_came_is_told_and_not_shaded(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"({START + s}.0) can0 356#{le(5300, 100, 231, 0)}\n" for s in range(30)))
    figure = figure_of(path)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "no 0x351 at all",
        "no GX keepalive (0x305) at all",
    ]
    assert not [c for ax in figure.axes for c in ax.collections]


def test_a_dvl_of_zero_is_no_limit(tmp_path: Path) -> None:
    """Victron: not used by the GX, and many batteries send 0; it must not take the picture down to 0 V."""
    path = tmp_path / "x.log"
    path.write_text("".join(f"({START + s}.0) can0 351#{le(568, 1000, 1200, 0)}\n" for s in range(5)))
    ax = figure_of(path).axes[0]
    assert [line.get_label() for line in ax.get_lines()] == ["CVL"]
    assert ax.get_ylim()[0] > 50


def test_a_line_ends_where_the_frames_end(tmp_path: Path) -> None:
    figure = figure_of(capture(tmp_path / "x.log", limits_missing=range(20, 40)))
    line = next(line for line in figure.axes[1].get_lines() if line.get_label() == "CVL")
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    assert np.isnan(y[(x > 20.1) & (x < 39.9)]).all()
    assert not np.isnan(y[x < 19.5]).any()


def test_labels_do_not_overlap_and_lie_within_the_picture(tmp_path: Path) -> None:
    figure = figure_of(capture(tmp_path / "x.log"))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    width, height = canvas.get_width_height()
    assert width == 1200
    for i, box in enumerate(boxes):
        assert box is not None, f"label {i}"
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, f"label {i}"
        for other in boxes[:i]:
            assert other is not None, f"label {i}"
            assert not box.overlaps(other), f"label {i}"


def test_the_time_axis_is_local_time_or_seconds(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.log")
    clock = figure_of(path, seconds=False).axes[-1]
    assert clock.get_xlabel().startswith("local time (")
    begin = mdates.num2date(clock.get_xlim()[0])
    assert begin.timestamp() == pytest.approx(START, abs=0.01)
    part = figure_of(path, window=Window(10, 20)).axes[-1]
    assert part.get_xlabel() == "seconds since the first frame of the capture"
    assert part.get_xlim() == (pytest.approx(10), pytest.approx(20, abs=0.01))


def test_chosen_signals_share_a_panel_when_they_share_a_unit(tmp_path: Path) -> None:
    figure = figure_of(capture(tmp_path / "x.log"), "CCL", "DCL", "SOC", "AlarmHighVoltage")
    labels = [[line.get_label() for line in ax.get_lines()] for ax in figure.axes]
    assert labels == [["CCL", "DCL"], ["SOC"], ["AlarmHighVoltage"]]
    assert [t.get_text() for t in figure.axes[2].get_yticklabels()] == [
        "not supported",
        "active",
        "OK",
        "not supported",
    ]


def test_a_month_keeps_its_one_peak() -> None:
    """A reading each second, of which one is high, comes down to no more columns than are kept."""
    extremes = Extremes()
    seconds = np.arange(30 * 86_400)
    values = np.sin(seconds / 10_000)
    values[1_234_567] = 42.0
    for first in range(0, len(seconds), 500_000):
        extremes.take(seconds[first : first + 500_000] * 1_000_000, values[first : first + 500_000])
    course = extremes.course()
    assert len(course.time_us) <= COLUMNS
    assert course.high.max() == 42.0
    at = int(course.high.argmax())
    assert 0 <= 1_234_567_000_000 - course.time_us[at] < course.piece_us
    assert course.low.min() == values.min()


def test_gaps_are_counted_across_blocks_and_at_both_ends() -> None:
    gaps = Gaps(3_000_000)
    for block in ([5.0, 6.0, 7.0], [11.0, 14.0], [14.0, 13.0, 18.5]):
        gaps.take(np.array([int(s * 1e6) for s in block]))
    gaps.finish(22_000_000)
    assert gaps.spans == [(0, 5_000_000), (7_000_000, 11_000_000), (14_000_000, 18_500_000), (18_500_000, 22_000_000)]
    many = Gaps(1)
    many.take(np.arange(0, 300_000, 3) * 1_000_000)
    assert many.count == 99_999
    assert len(many.spans) <= 20_000


@pytest.mark.parametrize(("name", "begin"), [("x.png", PNG), ("x.svg", b"<?xml"), ("x.pdf", b"%PDF")])
def test_pictures_of_each_format(tmp_path: Path, name: str, begin: bytes) -> None:
    picture = tmp_path / name
    picture.write_text("an older one")
    result = plot(capture(tmp_path / "x.log"), "-o", picture)
    assert result.exit_code == 0, result.output
    assert result.output == f"{picture}: 338 frames, 59.0 s\n"
    assert picture.read_bytes().startswith(begin)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["x.log", name])


def test_a_battery_that_is_well_and_a_frame_alone_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(f"({START}.0) can0 35A#AAAAAA02AAAAAA0A\n")
    figure = figure_of(path)
    assert [text.get_text() for text in figure.axes[-1].texts] == ["no alarm, no warning"]
    path.write_text(f"({START}.0) can0 351#3802E803B0040000\n")
    assert plot(path, "-o", tmp_path / "x.png").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["x.log", "-o", "x.jpeg"], "give a name that ends with .png, .svg, .pdf"),
        (["x.log", "-o", "no/such/x.png"], "no such directory"),
        (["missing.log", "-o", "x.png"], "No such file"),
        (["empty.log", "-o", "x.png"], "no frames"),
        (["strange.log", "-o", "x.png"], "has anything to plot"),
        (["x.log", "-o", "x.png", "--signal", "SOCHighRes"], "did you mean SOCHighResolution"),
        (["x.log", "-o", "x.png", "--signal", "earthquake"], "no such signal; the DBC lists them all"),
        (["x.log", "-o", "x.png", "--signal", "ManufacturerName"], "is text, not a number"),
        (["x.log", "-o", "x.png", "--signal", "EnergyIn"], "none of its 338 frames has EnergyIn"),
        (["x.log", "-o", "x.png", "--from", "10", "--to", "10"], "--to 10 is not after --from 10"),
        (["x.log", "-o", "x.png", "--from", "100"], "no frames between --from and --to"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_leaves_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    capture(tmp_path / "x.log")
    (tmp_path / "empty.log").touch()
    (tmp_path / "strange.log").write_text("(1.0) can0 123#00\n")
    monkeypatch.chdir(tmp_path)
    result = plot(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.log", "strange.log", "x.log"]
