"""The engine: blocks of any size, anything on the bus, legal frames of others, waivers, further rules."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.capture_frames import OFFLINE, Frame, MemoryCapture, Story, pairs
from tinybms_gateway.can.columns import Flag
from tinybms_gateway.can.decoder import DecodedBlock
from tinybms_gateway.can.reader import CaptureError
from tinybms_gateway.can.verify.engine import Choice, verify
from tinybms_gateway.can.verify.report import NOT_APPLICABLE, VIOLATED, WAIVED, Report
from tinybms_gateway.can.verify.rule import KEPT, Rule
from tinybms_gateway.can.verify.rules_page import generate
from tinybms_gateway.generated import outdated
from toolkit.can.verify.planted_faults import FAULTS

VICTRONS_PAGE = {
    0x351: "45024C044C040000", 0x355: "5900640000000000", 0x356: "3116CE003E010000", 0x35A: "0000000000000000",
    0x305: "0000000000000000",
}  # fmt: skip
BYD_LVS = {
    0x351: "480200050005AE01", 0x35A: "AAAAAAAAAAAAAAAA", 0x35F: "4C6901176900", 0x373: "EA0C010D1F012201",
    0x378: "400800002B070000", 0x382: "5052454D49554D00",
}  # fmt: skip


def report_of(frames: list[Frame], block_frames: int = 500_000, choice: Choice | None = None) -> Report:
    return verify(MemoryCapture(frames, block_frames), choice=choice or Choice())


def ids(report: Report, status: str = VIOLATED) -> set[str]:
    return {result.id for result in report.of(status)}


def of_others(contents: dict[int, str], seconds: int = 12) -> list[Frame]:
    return [
        Frame(1000 * second + 40 * place, identifier, bytes.fromhex(data))
        for second in range(seconds)
        for place, (identifier, data) in enumerate(contents.items())
    ]


def test_the_candump_of_victrons_page_keeps_victrons_rules() -> None:
    """It shows four frames and the keepalive; the names were not sent."""
    report = report_of(of_others(VICTRONS_PAGE), choice=Choice(victron_only=True))
    assert ids(report) == {"present-35E", "present-35F"}


def test_the_frames_of_a_byd_break_victrons_rules_only_where_victrons_page_says_so() -> None:
    """Reserved bits of 0x35A are set; the excerpt holds neither 0x355 nor 0x356 nor 0x35E."""
    report = report_of(of_others(BYD_LVS), choice=Choice(victron_only=True))
    assert ids(report) == {"reserved-35A", "present-355", "present-356", "present-35E"}


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_the_size_of_the_blocks_changes_nothing(rule: str) -> None:
    fault = FAULTS[rule]
    story = fault.bad or fault.good
    frames = fault.change(replace(story, seconds=min(story.seconds, 12 if fault.bad is None else 100)).frames())
    if len(frames) > 400:
        frames = [frame for frame in frames if frame.id in (0x351, 0x35A, 0x355, 0x372)]
    whole = report_of(frames).as_json()
    assert report_of(frames, 50).as_json() == whole


RANDOM_FRAMES = st.lists(
    st.builds(
        Frame,
        ms=st.one_of(st.integers(-2000, 20_000), st.floats(-1e9, 1e12, allow_nan=False)),
        id=st.one_of(st.sampled_from([*BYD_LVS, 0x305, 0x355, 0x356, 0x372, 0x374, 0x375, 0x376, 0x370, 0x371, 0x35E,
                                      0x379]), st.integers(0, 0x7FF)),
        data=st.binary(max_size=8),
        flags=st.sampled_from([0, 0, 0, 0, 1, 2, 4, 8, 16]),
    ),
    min_size=1,
    max_size=60,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(RANDOM_FRAMES)
def test_whatever_is_on_the_bus_there_is_a_report_and_it_is_the_same_for_all_blocks(frames: list[Frame]) -> None:
    whole = report_of(frames).as_json()
    for size in (1, 7):
        assert report_of(frames, size).as_json() == whole, f"blocks of {size}"


def test_other_devices_with_29_bits_are_told_apart_from_a_battery_with_29_bits() -> None:
    """On a VE.Can port NMEA 2000 is legal beside the battery: 0x09F11200 is its vessel heading."""
    beside = Frame(39_990, 0x09F11200, bytes(8), int(Flag.EXTENDED))
    assert ids(report_of([*Story().frames(), beside])) == {"id-known"}
    assert report_of([*Story().frames(), beside], choice=Choice(victron_only=True)).good
    assert ids(report_of([*Story().frames(), replace(beside, id=0x351)])) == {"id-11-bit"}


def test_only_the_first_violations_are_kept_and_all_are_counted() -> None:
    report = report_of([Frame(ms, 0x123, b"") for ms in range(3000)])
    unknown = next(result for result in report.results if result.id == "id-known")
    assert (len(unknown.violations), unknown.count) == (KEPT, 3000)
    assert [violation.frame for violation in unknown.violations] == list(range(KEPT))


def test_a_bench_without_a_gx_is_legal_and_told() -> None:
    report = report_of([frame for frame in Story().frames() if frame.id not in (0x305, 0x307)])
    assert report.good
    reasons = {result.id: result.reason for result in report.of(NOT_APPLICABLE)}
    assert "no GX in the capture, which is allowed" in reasons["gx-keepalive"]


def test_a_capture_of_a_gx_alone_lacks_the_battery() -> None:
    report = report_of([frame for frame in Story().frames() if frame.id in (0x305, 0x307)])
    assert ids(report) == {"present-351", "present-355", "present-356", "present-35A"}


def test_a_short_capture_is_not_asked_for_what_had_no_time_to_come() -> None:
    report = report_of(Story(seconds=1.1).frames())
    assert report.good
    assert {"present-351", "present-35E"} <= ids(report, NOT_APPLICABLE) | ids(report, "passed")
    assert "present-35E" not in ids(report)


def test_sensors_may_come_and_go_and_their_fields_and_frames_with_them() -> None:
    def there(ms: float) -> bool:
        return not 14_000 <= ms < 26_000

    frames = Story(alarms=lambda ms: pairs(sensors=there(ms))).frames()
    told = [
        replace(frame, data=frame.data[:4] + b"\xff\xff\xff\xff")
        if frame.id == 0x373 and not there(frame.ms)
        else frame
        for frame in frames
        if there(frame.ms) or frame.id not in (0x376, 0x377)
    ]
    assert ids(report_of(told)) == set()


def test_the_clock_may_be_set_back_once_and_only_that_is_told() -> None:
    frames = [replace(frame, ms=frame.ms - 3_600_000 if frame.ms >= 20_100 else frame.ms) for frame in Story().frames()]
    report = report_of(frames)
    assert ids(report) == {"time-order"}
    assert report.figures.duration_s == pytest.approx(39.8, abs=0.2)


def test_energy_rolls_over_and_a_reset_is_told_with_what_explains_it() -> None:
    rolled = [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]
    frames = [Frame(2000 * i, 0x378, n.to_bytes(4, "little") + bytes(4)) for i, n in enumerate(rolled)]
    assert "energy-forward" not in ids(report_of(frames))
    report = report_of([*frames, Frame(8000, 0x378, bytes(8))])
    text = next(result for result in report.results if result.id == "energy-forward").violations[0].text
    assert "in from 100 to 0 Wh" in text
    assert "power cut" in text and "10 minutes" in text


def test_the_reaction_time_is_measured() -> None:
    at_ms = 20_400
    story = Story(
        alarms=lambda ms: pairs((1,), (), OFFLINE) if ms >= at_ms else pairs(),
        limits=lambda ms: (54.0, 0.0, 54.0) if ms >= at_ms + 60 else (56.8, 45.0, 54.0),
        extra_ms=(at_ms, at_ms + 60),
    )
    report = report_of(story.frames())
    assert report.good
    assert report.figures.reaction_us == {"react-high-voltage": 59_000, "react-offline": 59_000}


def test_alarms_without_any_limits_are_told_and_not_kept() -> None:
    """0x351 never comes: what waits for it must not pile up."""
    frames = [Frame(1000 * i, 0x35A, pairs((1,)) if i % 2 else pairs()) for i in range(100)]
    result = next(r for r in report_of(frames, 10).results if r.id == "react-high-voltage")
    assert result.count == 49, "the last one had no time"
    assert result.violations[0].text == "CCL not 0 within 200 ms; before: not known"


def test_the_gaps_of_both_sides_are_measured() -> None:
    frames = [f for f in Story().frames() if not (f.id == 0x305 and 10_000 < f.ms < 14_000)]
    assert report_of(frames).figures.longest_gap_us == {0x351: 1_000_000, 0x305: 5_000_000}


def test_bus_load_counts_every_bit_with_all_stuff_bits() -> None:
    """8 bytes: 44 bits and 64 of data, of which 98 may be stuffed: 24 more; and 3 between frames."""
    report = report_of([Frame(0, 0x305, bytes(8))], choice=Choice(bitrate=1000))
    assert report.figures.most_bus_load_percent == 13.5


class Never(Rule):
    def take(self, decoded: DecodedBlock) -> None:
        self.checked += len(decoded.block)
        self.violated(int(decoded.block.time_us[0]), 0, "always")


def test_rules_can_be_added_and_waived_by_pattern() -> None:
    extra = Never("scenario-x", "It never holds.", "test/scenarios/x.yaml")
    report = verify(MemoryCapture(Story().frames()), extra_rules=[extra], waived={"scenario-*": "as planned"})
    assert report.good
    assert [(result.id, result.reason) for result in report.of(WAIVED)] == [("scenario-x", "as planned")]
    assert not verify(MemoryCapture(Story().frames()), extra_rules=[Never("x", "", "")]).good


def test_an_empty_capture_is_refused() -> None:
    with pytest.raises(CaptureError, match="no frames"):
        report_of([])


def test_the_rules_page_is_current(root: Path) -> None:
    assert outdated(root, generate()) == [], "run tinybms-gw can verify-docs"
