"""One fault for each rule of can verify, to be planted in good traffic."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from support.fixtures.capture_frames import LIMITS, OFFLINE, Frame, Limits, Story, pairs
from tinybms_gateway.can.columns import Flag
from tinybms_gateway.can.verify.engine import Choice

Change = Callable[[list[Frame]], list[Frame]]
FAR_MS = 40_000.0
"""When something happens in a story: later than the start-up ramp."""


@dataclass(frozen=True)
class Fault:
    """A story without the fault, one with it or a change of its frames, and what else is different."""

    good: Story
    bad: Story | None = None
    change: Change = lambda frames: frames
    choice: Choice = field(default_factory=Choice)
    before: Change = lambda frames: frames
    """Makes the story good."""


# ---- changes of frames ----


def without(identifier: int, from_ms: float = 0, to_ms: float = 1e9) -> Change:
    return lambda frames: [f for f in frames if not (f.id == identifier and from_ms <= f.ms < to_ms)]


def data_at(identifier: int, ms: float, data: bytes, flags: int = 0) -> Change:
    """One frame has other content."""
    return lambda frames: [
        replace(f, data=data, flags=f.flags | flags) if f.id == identifier and f.ms == ms else f for f in frames
    ]


def with_bits(identifier: int, ms: float, bits: int) -> Change:
    """One frame has some bits turned."""

    def change(frames: list[Frame]) -> list[Frame]:
        old = next(f for f in frames if f.id == identifier and f.ms == ms)
        turned = (int.from_bytes(old.data, "little") ^ bits).to_bytes(len(old.data), "little")
        return data_at(identifier, ms, turned)(frames)

    return change


def with_more(*more: Frame) -> Change:
    return lambda frames: sorted([*frames, *more], key=lambda f: f.ms)


def moved(identifier: int, ms: float, by_ms: float) -> Change:
    """One frame has another time stamp, at its old place in the capture."""
    return lambda frames: [replace(f, ms=f.ms + by_ms) if f.id == identifier and f.ms == ms else f for f in frames]


def both(*changes: Change) -> Change:
    def change(frames: list[Frame]) -> list[Frame]:
        for one in changes:
            frames = one(frames)
        return frames

    return change


# ---- stories ----

QUIET = Story()
LONG = Story(seconds=100)


def always(**changes: bytes) -> Story:
    """Other content of frames such as `x355`, from beginning to end."""
    return Story(changes={int(name[1:], 16): data for name, data in changes.items()})


def stepping(*steps: tuple[float, Limits], **more: object) -> Story:
    """Limits that change at some times; falls are sent at once."""

    def limits(ms: float) -> Limits:
        found = LIMITS
        for at_ms, value in steps:
            found = value if ms >= at_ms else found
        return found

    falls = tuple(at for at, value in steps if at % 1000 != 0)
    return Story(**{"seconds": 100, "limits": limits, "extra_ms": falls} | more)  # type: ignore[arg-type]


def no_charge(at_ms: float) -> tuple[float, Limits]:
    return at_ms, (54.0, 0.0, 54.0)


def no_discharge(at_ms: float) -> tuple[float, Limits]:
    return at_ms, (56.8, 45.0, 0.0)


def nothing(at_ms: float) -> tuple[float, Limits]:
    return at_ms, (54.0, 0.0, 0.0)


def reacting(active: tuple[int, ...], warnings: tuple[int, ...], limit: Callable[[float], tuple[float, Limits]],
             status: int = 2) -> Fault:  # fmt: skip
    """An alarm comes at 40.4 s and stays; the limit is there at once, or half a second late."""
    at_ms = FAR_MS + 400

    def alarms(ms: float) -> bytes:
        return pairs(active, warnings, status) if ms >= at_ms else pairs()

    def story(late_ms: float) -> Story:
        return stepping(limit(at_ms + late_ms), alarms=alarms, extra_ms=(at_ms, at_ms + 500), seconds=60)

    return Fault(story(0), story(500))


def held(active: tuple[int, ...], warnings: tuple[int, ...], status: int = 2) -> Fault:
    """An alarm is there from the beginning; the limits are 0, or not."""
    said = pairs(active, warnings, status)

    def story(limits: Limits) -> Story:
        return Story(alarms=lambda _: said, limits=lambda _: limits)

    return Fault(story((54.0, 0.0, 0.0)), story((54.0, 5.0, 5.0)))


def changed(change: Change, good: Story = QUIET) -> Fault:
    return Fault(good, change=change)


def rising(*amperes: float, at_ms: float, ccl: bool) -> tuple[tuple[float, Limits], ...]:
    """The limit second by second."""
    return tuple((at_ms + 1000 * i, (56.8, a, 54.0) if ccl else (56.8, 45.0, a)) for i, a in enumerate(amperes))


def risen(name: str, *, early: bool) -> Fault:
    """A fall by 20 A at 40 s; then up by 5 A/s from 75 s on, or too early, or all at once."""
    ccl = name == "CCL"
    full = 45.0 if ccl else 54.0
    fall = rising(full - 20, at_ms=FAR_MS, ccl=ccl)
    slowly = rising(full - 15, full - 10, full - 5, full, at_ms=75_000, ccl=ccl)
    if early:
        bad = rising(full - 15, full - 10, full - 5, full, at_ms=60_000, ccl=ccl)
    else:
        bad = rising(full, at_ms=75_000, ccl=ccl)
    return Fault(stepping(*fall, *slowly), stepping(*fall, *bad))


PAUSE = Story(seconds=60, silent_ms=(20_000, 32_000))
SENSORLESS = Story(
    changes={0x373: struct.pack("<4H", 3300, 3360, 0xFFFF, 0xFFFF)}, alarms=lambda _: pairs(sensors=False)
)
NO_SENSOR_IDS = both(without(0x376), without(0x377))
UNKNOWN = Frame(10_450, 0x123, bytes(8))
OURS = [0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x370, 0x371, 0x372, 0x373, 0x374, 0x375, 0x376, 0x377, 0x378, 0x379, 0x380,
        0x381, 0x382]  # fmt: skip


def twice_at_once(identifier: int, *ms: float) -> Change:
    """Further frames with the content that the id has then."""
    return with_more(*(Frame(at, identifier, QUIET.content(identifier, at)) for at in ms))


def or_bits(data: bytes, bits: int) -> bytes:
    """Eight bytes with some more bits set."""
    return (int.from_bytes(data, "little") | bits).to_bytes(8, "little")


def without_bits(data: bytes, bits: int) -> bytes:
    """Eight bytes with some bits cleared."""
    return (int.from_bytes(data, "little") & ~bits).to_bytes(8, "little")


FAULTS: dict[str, Fault] = {
    # what has to be there
    **{f"present-{n:03X}": changed(without(n)) for n in (0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x372, 0x373, 0x378,
                                                         0x382)},
    "parts-name": changed(without(0x371)),
    "parts-serial": changed(without(0x381)),
    # timing
    "time-order": changed(moved(0x307, 10_921, -2)),
    "limits-3s": Fault(QUIET, replace(QUIET, seconds=41.2, silent_ms=(37_500, 99_000))),
    "period-351": changed(without(0x351, 20_000, 21_000)),
    **{f"period-{n:03X}": changed(without(n, 20_000, 26_000) if n not in (0x355, 0x356, 0x35A)
                                  else without(n, 20_000, 21_000)) for n in OURS},
    **{f"extra-{n:03X}": changed(twice_at_once(n, 10_450, 10_460, 10_470)) for n in (0x351, 0x35A)},
    "burst": changed(both(moved(0x356, 10_150, -48), moved(0x35A, 10_050, 51), twice_at_once(0x351, 10_103))),
    "flood": changed(both(without(0x35A, 10_050, 10_051), with_more(*(
        Frame(10_030.5 + 13 * i, n, QUIET.content(n, 0)) for i in range(70) for n in [(0x35A, 0x351)[i % 2]])))),
    "first-351": Fault(PAUSE, change=without(0x351, 32_000, 32_001)),
    "bus-load": Fault(QUIET, choice=Choice(bitrate=5_000)),
    # layout
    "id-11-bit": changed(with_more(replace(UNKNOWN, id=0x351, flags=int(Flag.EXTENDED)))),
    "no-remote-frames": changed(with_more(replace(UNKNOWN, flags=int(Flag.REMOTE)))),
    "no-error-frames": changed(with_more(replace(UNKNOWN, flags=int(Flag.ERROR)))),
    "no-fd-frames": changed(with_more(replace(UNKNOWN, flags=int(Flag.FD)))),
    "id-known": changed(with_more(UNKNOWN)),
    "length": changed(with_more(Frame(10_450, 0x355, bytes(5)))),
    "length-whole": changed(data_at(0x379, 11_400, struct.pack("<H", 66) + bytes(6))),
    "reserved-355": changed(with_bits(0x355, 10_100, 1 << 48)),
    "reserved-356": changed(with_bits(0x356, 10_150, 1 << 63)),
    "reserved-35F": changed(with_bits(0x35F, 10_250, 1 << 55)),
    "reserved-35A": changed(with_bits(0x35A, 10_050, 1 << 26)),
    "text-7-bit": changed(data_at(0x382, 11_900, b"Tiny\xe9\0\0\0")),
    "text-padded": changed(data_at(0x382, 11_900, b"Tiny\0MS\0")),
    "text-printable": changed(data_at(0x382, 11_900, b"Tiny\x1b[m\0")),
    "cell-id-form": changed(data_at(0x374, 10_500, b"CELL 3\0\0")),
    "sensor-id-form": changed(data_at(0x376, 10_700, b"EXT 3\0\0\0")),
    # values
    "cvl-positive": Fault(QUIET, replace(QUIET, limits=lambda _: (0.0, 45.0, 54.0))),
    "ccl-not-negative": Fault(QUIET, replace(QUIET, limits=lambda _: (56.8, -1.0, 54.0))),
    "dcl-not-negative": Fault(QUIET, replace(QUIET, limits=lambda _: (56.8, 45.0, -1.0))),
    "soc-range": Fault(QUIET, always(x355=struct.pack("<4H", 101, 97, 10_100, 0))),
    "soh-range": Fault(QUIET, always(x355=struct.pack("<4H", 84, 101, 8355, 0))),
    "soc-resolution": Fault(QUIET, always(x355=struct.pack("<4H", 83, 97, 8355, 0))),
    "voltage-range": Fault(QUIET, always(x356=struct.pack("<3hH", -1, 123, 254, 0))),
    "current-range": Fault(QUIET, always(x356=struct.pack("<3hH", 5321, -10_001, 254, 0))),
    "temperature-range": Fault(SENSORLESS, replace(SENSORLESS, changes=SENSORLESS.changes | {
        0x356: struct.pack("<3hH", 5321, 123, 1001, 0)}), NO_SENSOR_IDS, before=NO_SENSOR_IDS),
    "cell-voltage-range": Fault(QUIET, always(x373=struct.pack("<4H", 3300, 5001, 297, 299))),
    "cell-voltage-order": Fault(QUIET, always(x373=struct.pack("<4H", 3300, 3299, 297, 299))),
    "cell-temperature-range": Fault(QUIET, always(x373=struct.pack("<4H", 3300, 3360, 232, 299))),
    "cell-temperature-order": Fault(QUIET, always(x373=struct.pack("<4H", 3300, 3360, 300, 299))),
    "cell-temperature-both": changed(data_at(0x373, 10_400, struct.pack("<4H", 3300, 3360, 0xFFFF, 299))),
    "modules-one": changed(data_at(0x372, 10_300, struct.pack("<4H", 3, 0, 0, 0))),
    "modules-ok": changed(data_at(0x372, 10_300, struct.pack("<4H", 0, 0, 0, 0))),
    # consistency
    "name-match": Fault(QUIET, always(x370=b"SmallBMS")),
    "name-short": Fault(QUIET, always(x371=bytes(8))),
    "capacity": Fault(QUIET, always(x35F=struct.pack("<H2B2H", 258, 1, 242, 67, 0))),
    "temperature-sensor": Fault(QUIET, always(x356=struct.pack("<3hH", 5321, 123, 275, 0))),
    "sensor-376": Fault(SENSORLESS, change=without(0x377), before=NO_SENSOR_IDS),
    "sensor-377": Fault(SENSORLESS, change=without(0x376), before=NO_SENSOR_IDS),
    "cell-ids-differ": Fault(QUIET, always(x375=b"R02 C03\0")),
    "energy-forward": changed(data_at(0x378, 39_300, struct.pack("<2I", 12_344, 12_000))),
    "modules-charge": Fault(QUIET, always(x372=struct.pack("<4H", 0, 1, 0, 0))),
    "modules-discharge": Fault(QUIET, always(x372=struct.pack("<4H", 0, 0, 1, 0))),
    "modules-offline": Fault(QUIET, always(x372=struct.pack("<4H", 0, 0, 0, 1))),
    "dvl-below-cvl": Fault(QUIET, replace(QUIET, dvl=56.8)),
    "cvl-plausible": Fault(QUIET, replace(QUIET, limits=lambda _: (42.0, 45.0, 54.0), dvl=40.0)),
    # alarms
    "pairs-stay-supported": changed(data_at(0x35A, 10_050, without_bits(pairs(), 3 << 2))),
    "pairs-never-3": Fault(QUIET, replace(QUIET, alarms=lambda _: or_bits(pairs(), 0x0C << 16))),
    "pairs-always": Fault(QUIET, replace(QUIET, alarms=lambda _: without_bits(pairs(), 3 << 22))),
    "pairs-never": Fault(QUIET, replace(QUIET, alarms=lambda _: or_bits(pairs(), 0x08 << 16))),
    "pairs-low-temperature": Fault(QUIET, replace(QUIET, alarms=lambda _: or_bits(pairs(), 2 << 8))),
    "alarm-general": Fault(QUIET, replace(QUIET, alarms=lambda _: pairs((8,), general=False))),
    "warning-general": Fault(QUIET, replace(QUIET, alarms=lambda _: pairs((), (8,), general=False))),
    "status-value": Fault(QUIET, replace(QUIET, alarms=lambda _: pairs(status=3))),
    "status-reason": Fault(Story(limits=lambda _: (54.0, 0.0, 0.0), alarms=lambda _: pairs((0,), (), OFFLINE)),
                           Story(limits=lambda _: (54.0, 0.0, 0.0), alarms=lambda _: pairs((), (), OFFLINE))),
    # limits
    "react-high-voltage": reacting((1,), (), no_charge),
    "react-low-voltage": reacting((2,), (), no_discharge),
    "react-high-temperature": reacting((3,), (), nothing),
    "react-low-temperature": reacting((4,), (), nothing),
    "react-high-temperature-charge": reacting((5,), (), no_charge),
    "react-low-temperature-charge": reacting((6,), (), no_charge),
    "react-bms-internal": reacting((11,), (), nothing),
    "react-offline": reacting((7,), (), no_discharge, OFFLINE),
    "hold-bms-internal": held((11,), ()),
    "hold-low-temperature": held((4,), ()),
    "hold-offline": held((7,), (), OFFLINE),
    "ccl-rise-wait": risen("CCL", early=True),
    "ccl-rise-rate": risen("CCL", early=False),
    "dcl-rise-wait": risen("DCL", early=True),
    "dcl-rise-rate": risen("DCL", early=False),
    "cvl-rise-pause": Fault(stepping((50_000, (57.0, 45.0, 54.0)), (70_000, (57.2, 45.0, 54.0))),
                            stepping((50_000, (57.0, 45.0, 54.0)), (60_000, (57.2, 45.0, 54.0)))),
    "cvl-rise-step": Fault(LONG, stepping((50_000, (57.3, 45.0, 54.0)))),
    "cvl-inhibited": Fault(stepping(no_charge(50_000)), stepping(no_charge(50_000), (75_000, (54.2, 0.0, 54.0)))),
    "cvl-fall": Fault(stepping(no_charge(50_000)), stepping((50_000, (56.0, 45.0, 54.0)))),
    # the GX
    "gx-keepalive": changed(without(0x305, 10_000, 20_500)),
    "period-305": changed(without(0x305, 10_000, 12_000)),
    "period-307": changed(twice_at_once(0x307, 10_450)),
    "gx-content-305": changed(data_at(0x305, 10_920, bytes(7) + b"\1")),
    "gx-content-307": changed(data_at(0x307, 10_921, b"\x12\x34\x56\x78VIX\0")),
}  # fmt: skip
