"""`bms events`: the event log of a real device, and one that grows."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tinybms_gateway.bms import frames
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.sim.bms.device import Event, TinyBms
from tinybms_gateway.sim.bms.faults import Faults
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from toolkit.bms.client_world import answering, bms, bms_json, complaint, start

NOW_S = 16683981
"""Lifetime of the real device: 254 << 16 | 37837."""


def test_events_of_the_real_device_have_text_time_and_age_newest_last(tmp_path: Path, real_dump: Path) -> None:
    with make_line(tmp_path / "bms", dump=real_dump, faults=("frozen",)) as line:
        events: Any = bms_json("events", line.link, "--all")
        lines = bms("events", line.link, "--all").stdout.splitlines()
    # 200: 0x1226 0x6500; 202: 20011 0x64B9; 204: 20012 0x62B9; 206: 20034 0x65B9
    times = [0x001226, 0xB9 << 16 | 20011, 0xB9 << 16 | 20012, 0xB9 << 16 | 20034]
    assert [(e["id"], e["time_s"], e["age_s"]) for e in events] == [
        (identifier, time_s, NOW_S - time_s) for identifier, time_s in zip((0x65, 0x64, 0x62, 0x65), times, strict=True)
    ]
    assert [e["text"] for e in events] == [
        "charger disconnected", "charger connected", "charging started", "charger disconnected",
    ]  # fmt: skip
    assert {e["kind"] for e in events} == {"information"}
    assert " ".join(lines[0].split()) == "0 d 01:17:26 193 d 01:08:55 ago 0x65 information charger disconnected"
    assert len(lines) == 4


def device(*events: Event, now_s: int = 1000, order: EventOrder = EventOrder.OLDEST_FIRST) -> TinyBms:
    made = TinyBms({32: now_s & 0xFFFF, 33: now_s >> 16}, event_order=order)
    made.events = list(events)
    return made


@pytest.mark.parametrize("order", EventOrder)
def test_the_newest_are_eight_and_all_are_all_and_the_newest_comes_last(tmp_path: Path, order: EventOrder) -> None:
    with BmsLine(tmp_path / "bms", device(*(Event(i, 0x61) for i in range(100, 120)), order=order)) as line:
        newest: Any = bms_json("events", line.link)
        everything: Any = bms_json("events", line.link, "--all")
    assert [e["time_s"] for e in newest] == list(range(112, 120))
    assert [e["time_s"] for e in everything] == list(range(100, 120))


def test_the_kinds_and_an_event_that_nobody_knows(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms", device(Event(1, 0x03), Event(2, 0x31), Event(3, 0x79), Event(4, 0xEE))) as line:
        events: Any = bms_json("events", line.link)
    assert [(e["kind"], e["text"]) for e in events] == [
        ("fault", "over-voltage cutoff"),
        ("warning", "fully discharged cutoff"),
        ("information", "recovered from over-voltage"),
        ("unknown", "unknown event"),
    ]


def test_times_are_right_where_the_24_bits_of_an_event_have_come_round(tmp_path: Path) -> None:
    now_s = 0x0200_0005
    bms_device = device(Event(0xFFFFFE, 0x61), Event(3, 0x62), now_s=now_s)
    with BmsLine(tmp_path / "bms", bms_device, faults=Faults(frozen=1)) as line:
        events: Any = bms_json("events", line.link)
    assert [(e["time_s"], e["age_s"]) for e in events] == [(0x01FF_FFFE, 7), (0x0200_0003, 2)]


def test_an_order_that_the_times_do_not_tell_is_said_on_stderr(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms", device(Event(7, 0x03), Event(7, 0x79))) as line:
        table, document = bms("events", line.link), bms("events", line.link, "--json")
    assert [line.split("0x")[1][:2] for line in table.stdout.splitlines()] == ["03", "79"]
    assert [event["id"] for event in json.loads(document.stdout)] == [0x03, 0x79]
    for result in (table, document):
        assert result.exit_code == 0, result.output
        assert "do not show their order" in result.stderr, result.output
    with BmsLine(tmp_path / "bms", device(Event(7, 0x03), Event(8, 0x79))) as line:
        assert bms("events", line.link).stderr == ""


def test_no_events(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms", device()) as line:
        assert bms("events", line.link).stdout == "no events\n"
        assert bms_json("events", line.link) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_following_shows_each_new_event_once_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    with BmsLine(tmp_path / "bms") as line:
        process = start("events", line.link, "--follow", "--json")
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["text"] == "system started"
        for event in (0x64, 0x62):
            with line.lock:
                line.bms.log_event(event)
            assert json.loads(process.stdout.readline())["id"] == event
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("payload", [b"", b"\1\2\3", b"\1\2\3\4\5"])
def test_an_answer_that_cannot_be_events_is_one_line(payload: bytes) -> None:
    with answering(lambda _request: frames.frame(0x11, len(payload), payload)) as tap:
        assert "an invalid length" in complaint(bms("events", tap.port), 1)
