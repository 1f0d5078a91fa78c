"""What can verify writes: terminal, JSON, JUnit, HTML; whole or not at all."""

import os
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from junitparser import Failure, JUnitXml, Skipped
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from support.fixtures.capture_frames import CONTENT, Frame, MemoryCapture, Story, pairs
from tinybms_gateway.can.verify.engine import verify
from tinybms_gateway.can.verify.html import html
from tinybms_gateway.can.verify.junit import junit
from tinybms_gateway.can.verify.report import NOT_APPLICABLE, PASSED, VIOLATED, WAIVED, Report
from tinybms_gateway.can.verify.show import show
from tinybms_gateway.whole_file import write_whole

HOSTILE = "<script>alert('1')</script>&\"\x1b]0;x\x07\u202e.log"
VOID = {"meta", "rect", "polyline", "line", "br"}


def report_of(frames: list[Frame], name: str = "capture.log", waived: dict[str, str] | None = None) -> Report:
    capture = MemoryCapture(frames)
    capture.path = Path(name)
    return verify(capture, waived=waived or {})


def hostile_report() -> Report:
    """Names that do not match, made of markup and control characters; a waiver of the same kind."""
    changes = {0x370: b"<b>&\"'\x1b\x07", 0x35E: b"</td>\x00\x00\x00", 0x382: b"\xff\xfe<i>\0\0\0"}
    frames = Story(changes=changes).frames()
    return report_of([*frames, Frame(39_990, 0x351, b"")], HOSTILE, {"text-7-bit": "<img src=x>"})


class Checker(HTMLParser):
    """Notes what a browser would load or run, and whether the elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [name for name, _ in attrs if name in ("src", "href", "srcset") or name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("make", [lambda: report_of(Story().frames()), hostile_report])
def test_the_page_needs_and_runs_nothing_and_is_well_formed(make) -> None:  # type: ignore[no-untyped-def]
    page = html(make())
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert checker.references == []
    assert not checker.tags & {"script", "img", "b>", "i", "iframe", "link", "object"}
    assert "url(" not in page and "@import" not in page and "http" not in page.replace("http-equiv", "")
    assert "\x1b" not in page and "\x07" not in page and "\u202e" not in page


def test_on_a_narrow_terminal_the_sentences_are_cut_and_not_the_results() -> None:
    report = report_of(Story().frames())
    shown_on = StringIO()
    console = Console(file=shown_on, force_terminal=True, color_system=None, width=80)
    show(report, console)
    lines = shown_on.getvalue().splitlines()
    shown = {words[0]: words for line in lines if len(words := line.split()) > 3}
    assert max(map(len, lines)) <= 80
    assert all(shown[result.id][1] == result.origin for result in report.results)
    assert all(" ".join(shown[result.id][2:]).startswith(result.status) for result in report.results)


def test_the_page_shows_the_course_with_alarms() -> None:
    story = Story(
        alarms=lambda ms: pairs((1,), (1,)) if 10_000 < ms < 20_000 else pairs(),
        limits=lambda ms: (56.8, 45.0, 54.0) if ms < 10_000 else (54.0, 0.0, 54.0),
    )
    page = html(report_of(story.frames()))
    assert len(re.findall("<polyline", page)) == 6
    bars = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="0" width="([\d.]+)"', page)
    assert [kind for kind, _, _ in bars] == ["alarm", "alarm", "warning", "warning"]
    assert all(250 < float(x) < 260 and 245 < float(width) < 255 for _, x, width in bars)


def test_a_limit_of_one_frame_is_seen_in_the_page_of_an_hour() -> None:
    frames = [Frame(1000 * n, 0x351, struct.pack("<HhhH", 568, 0 if n == 1777 else 450, 540, 464)) for n in range(3600)]
    report = report_of(frames)
    course = report.figures.courses["CCL"].course()
    assert (course.low.min(), course.high.max()) == (0.0, 45.0)
    assert len(course.time_us) <= 1024
    assert len(html(report)) < 200_000


def test_a_frame_without_anything_else_makes_a_page() -> None:
    assert "<h1>capture.log</h1>" in html(report_of([Frame(0, 0x7FF, b"")]))


def test_junit_has_a_case_for_each_rule_and_can_be_read_back() -> None:
    report = report_of([*Story().frames(), Frame(39_990, 0x123, b"")])
    document = JUnitXml.fromstring(junit(report).encode())
    cases = {case.name: case for suite in document for case in suite}
    assert set(cases) == {result.id for result in report.results}
    assert [name for name, case in cases.items() if any(isinstance(r, Failure) for r in case.result)] == ["id-known"]
    failure = cases["id-known"].result[0]
    assert "0x123 with 0 bytes" in failure.text and "docs/pgn_conversions.md" in failure.text
    skipped = {name for name, case in cases.items() if any(isinstance(r, Skipped) for r in case.result)}
    assert skipped == {result.id for result in report.of(NOT_APPLICABLE)}
    assert (document.tests, document.failures, document.skipped) == (len(report.results), 1, len(skipped))


def test_junit_of_a_hostile_capture_can_be_read_back() -> None:
    document = JUnitXml.fromstring(junit(hostile_report()).encode())
    assert document.failures == 3
    assert not set(junit(hostile_report())) & {"\x1b", "\x07", "\u202e"}


class JsonViolation(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    s: float
    time_s: float | None
    frame: int | None
    text: str


class JsonResult(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: str
    subject: str
    sentence: str
    source: str
    origin: str
    status: str
    reason: str
    checked: int
    count: int
    violations: list[JsonViolation]


class JsonFigures(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    frames: int
    duration_s: float
    bus_load_percent: float
    most_bus_load_percent: float
    longest_0x351_gap_s: float | None
    longest_0x305_gap_s: float | None
    longest_reaction_s: float | None
    reaction_s: dict[str, float]
    frames_by_id: dict[str, int]


class JsonReport(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    layout: int
    capture: str
    channel: str
    good: bool
    rules: dict[str, int]
    figures: JsonFigures
    results: list[JsonResult]


def test_json_has_the_layout_that_the_page_of_the_rules_describes(root: Path) -> None:
    report = report_of([*Story().frames(), Frame(39_990, 0x123, b"")])
    found = JsonReport.model_validate(report.as_json())
    assert sum(found.rules.values()) == len(found.results)
    assert set(found.rules) == {PASSED, VIOLATED, WAIVED, NOT_APPLICABLE}
    bad = next(result for result in found.results if result.status == VIOLATED)
    assert (bad.id, bad.count, bad.violations[0].s) == ("id-known", 1, 39.99)
    assert bad.violations[0].frame == found.figures.frames
    page = (root / "docs/testing/rules.md").read_text()
    names = [*JsonReport.model_fields, *JsonResult.model_fields, *JsonViolation.model_fields]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of it \ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, "after")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_of_a_link_the_file_is_written_to_which_it_leads(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "newest.html"
    link.symlink_to("there/report.html")
    write_whole(link, "after")
    assert link.is_symlink() and (tmp_path / "there/report.html").read_text() == "after"


def test_a_device_is_not_replaced_by_a_report(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a regular file"):
        write_whole(tmp_path / "pipe", "report")
    assert not (tmp_path / "pipe").is_file()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_times_that_no_calendar_has_do_not_stop_the_report() -> None:
    frames = [replace(Frame(0, 0x382, CONTENT[0x382]), ms=ms) for ms in (-1e15, 1e15)]
    assert "<h1>" in html(report_of([*frames, Frame(1e15, 0x123, b"")]))
