"""The simulated TinyBMS without its line: its events, its clock, and what can be set."""

from itertools import pairwise
from pathlib import Path

import pytest

from tinybms_gateway.bms.dump import load_dump
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import TinyBms

LIFETIME, PACK_VOLTAGE, CELL_MIN, CELL_MAX, STATUS, EVENTS = 32, 36, 40, 41, 50, 200
OLDEST_FIRST, NEWEST_FIRST = EventOrder.OLDEST_FIRST, EventOrder.NEWEST_FIRST


@pytest.fixture
def pack() -> TinyBms:
    return TinyBms()


@pytest.fixture
def real(real_dump: Path) -> TinyBms:
    return TinyBms(load_dump(real_dump))


def eventful(order: EventOrder, count: int = 12) -> TinyBms:
    """Events 1, 2, 3..., one a second."""
    bms = TinyBms({LIFETIME: 1000}, event_order=order)
    for event in range(1, count + 1):
        bms.advance(1.0)
        bms.log_event(event)
    return bms


def told(bms: TinyBms, command: int) -> list[int]:
    """Ids of the events of an answer, as they come."""
    reply = protocol.answer(bms, protocol.frame(command), 0.0)
    return [reply[i + 3] for i in range(7, 3 + reply[2], 4)]


def shown(bms: TinyBms) -> list[int]:
    """Ids of the events of registers 200 to 297."""
    return [high >> 8 for high in bms.read(EVENTS, 98)[1::2] if high >> 8]


# ---- order of the events ----


def test_the_newest_eight_are_told_in_the_order_of_the_device() -> None:
    assert told(eventful(OLDEST_FIRST), 0x11) == [5, 6, 7, 8, 9, 10, 11, 12]
    assert told(eventful(NEWEST_FIRST), 0x11) == [12, 11, 10, 9, 8, 7, 6, 5]


@pytest.mark.parametrize("order", EventOrder)
def test_all_events_and_their_registers_have_the_order_of_the_device(order: EventOrder) -> None:
    expected = list(range(1, 13))[:: 1 if order is OLDEST_FIRST else -1]
    assert told(eventful(order), 0x12) == shown(eventful(order)) == expected


def test_a_healthy_pack_lists_the_oldest_first_as_the_one_real_device_does(pack: TinyBms, real: TinyBms) -> None:
    pack.advance(1.0)
    pack.log_event(0x64)
    assert told(pack, 0x12) == [0x61, 0x64]
    assert told(real, 0x12) == shown(real) == [0x65, 0x64, 0x62, 0x65]
    times = [event.time_s for event in real.events]
    assert all(before < after for before, after in pairwise(times))


def test_a_dump_is_listed_in_the_order_that_is_asked_for(real_dump: Path) -> None:
    real = TinyBms(load_dump(real_dump), event_order=NEWEST_FIRST)
    assert told(real, 0x12) == shown(real) == [0x65, 0x62, 0x64, 0x65]
    again = TinyBms({address: real.registers[address] for address in range(600)})
    assert told(again, 0x12) == [0x65, 0x64, 0x62, 0x65]


def test_all_are_kept_in_order_when_the_oldest_are_forgotten() -> None:
    assert told(eventful(OLDEST_FIRST, 60), 0x12) == list(range(12, 61))


# ---- each event once ----


@pytest.mark.parametrize("order", EventOrder)
def test_told_once_only_new_events_are_told(order: EventOrder) -> None:
    bms = eventful(order, 3)
    bms.faults.tell_once = 1
    assert sorted(told(bms, 0x11)) == [1, 2, 3]
    assert told(bms, 0x11) == []
    bms.log_event(7)
    bms.log_event(7)
    assert told(bms, 0x11) == [7, 7], "two of one kind in one second are two"
    assert told(bms, 0x11) == []
    assert sorted(told(bms, 0x12)) == [1, 2, 3, 7, 7], "all are always all"


def test_of_more_than_eight_new_events_the_older_ones_are_told_next() -> None:
    bms = eventful(OLDEST_FIRST)
    bms.faults.tell_once = 1
    assert told(bms, 0x11) == [5, 6, 7, 8, 9, 10, 11, 12]
    assert told(bms, 0x11) == [1, 2, 3, 4]
    assert told(bms, 0x11) == []


def test_what_was_told_before_it_was_asked_for_once_counts_as_told() -> None:
    bms = eventful(OLDEST_FIRST, 2)
    assert told(bms, 0x11) == told(bms, 0x11) == [1, 2]
    bms.faults.tell_once = 1
    assert told(bms, 0x11) == []


# ---- clock ----


def test_the_clock_of_a_dump_goes_on_from_its_own_value_and_nothing_else_does(real: TinyBms) -> None:
    before = real.read(0, 600)
    for _ in range(15):
        real.advance(0.5)
    after = real.read(0, 600)
    assert real.registers.u32(LIFETIME) == 16683981 + 7
    assert [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [LIFETIME]


def test_the_clock_comes_round_at_32_bits() -> None:
    bms = TinyBms({LIFETIME: 0xFFFF, LIFETIME + 1: 0xFFFF})
    bms.advance(2.0)
    assert bms.registers.u32(LIFETIME) == 1


def test_a_frozen_pack_shows_nothing_of_what_happens_until_it_is_thawed(pack: TinyBms) -> None:
    pack.set_value("current", 30)
    before = pack.read(0, 56)
    pack.faults.frozen = 1
    for name, value in {"soc": 20, "soh": 90, "current": -50, "temp1": 40, "internal": 35, "spread": 80}.items():
        pack.set_value(name, value)
    pack.set_fault(0x03)
    pack.advance(10.0)
    assert pack.read(0, 56) == before
    pack.faults.frozen = 0
    pack.advance(1.0)
    assert pack.values()["soc"] == pytest.approx(20.0, abs=0.1)
    assert (pack.values()["current"], pack.values()["soh"], pack.values()["status"]) == (-50, 90, 0x9B)
    assert pack.registers.u32(LIFETIME) == 3_600_001


def test_a_frozen_dump_refuses_what_would_move_it(real: TinyBms) -> None:
    real.faults.frozen = 1
    for name in ("soc", "current", "voltage", "temp1", "status", "lifetime", "reg.40"):
        with pytest.raises(ValueError, match=r"frozen; end it with --fault frozen=0, or set force\."):
            real.set_value(name, 1)
    real.set_value("reg.315", 4210)
    real.set_value("force.40", 4000)
    assert (real.registers[315], real.registers[CELL_MIN]) == (4210, 4000)


def test_the_clock_can_be_set(pack: TinyBms, real: TinyBms) -> None:
    for name, bms in (("pack", pack), ("real", real)):
        bms.set_value("lifetime", 77)
        bms.advance(1.0)
        assert bms.registers.u32(LIFETIME) == 78, name


# ---- what would have no effect ----


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("reg.0", "set soc, current or spread, or force.0"),
        ("reg.15", "set soc, current or spread"),
        ("reg.32", "set lifetime"),
        ("reg.37", "set soc, current or spread"),
        ("reg.38", "set current, or force.38"),
        ("reg.40", "set soc, current or spread"),
        ("reg.41", "set soc, current or spread, or force.41"),
        ("reg.42", "set temp1"),
        ("reg.43", "set temp2"),
        ("reg.45", "set soh"),
        ("reg.46", "set soc"),
        ("reg.48", "set internal"),
        ("reg.50", "set current, soc or fault"),
        ("reg.53", "set force.53"),
        ("reg.113", "set temp1 or temp2"),
        ("reg.200", "set event"),
        ("reg.297", "set event"),
    ],
)
def test_a_register_that_a_pack_writes_itself_is_refused(pack: TinyBms, name: str, instead: str) -> None:
    before = pack.read(0, 400)
    with pytest.raises(ValueError, match=rf"^{name}: the simulator overwrites it; {instead}"):
        pack.set_value(name, 3)
    assert pack.read(0, 400) == before


def test_what_may_be_set_of_a_pack_is_kept(pack: TinyBms) -> None:
    """Every register of the description, but those that the pack writes itself."""
    refused = {*range(16), 32, 33, *range(36, 44), 45, 46, 47, 48, 50, 53, 113, *range(200, 298)}
    for address in (*range(56), *range(100, 118), *range(200, 298), *range(300, 344), *range(500, 510)):
        if address in refused:
            with pytest.raises(ValueError, match="overwrites it"):
                pack.set_value(f"reg.{address}", 9999)
        else:
            pack.set_value(f"reg.{address}", 9999)
    pack.advance(1.0)
    for address in set(range(510)) - refused - {n for n in range(510) if pack.registers[n] == 0}:
        assert pack.registers[address] == 9999, address


def test_a_highest_value_so_far_can_be_raised_and_not_lowered(pack: TinyBms) -> None:
    pack.set_value("reg.104", 500)
    with pytest.raises(ValueError, match="holds the highest value so far, 500, and only goes up; clear the statistics"):
        pack.set_value("reg.104", 499)
    assert pack.registers[104] == 500


def test_the_status_of_a_pack_is_a_fault_until_it_is_ended(pack: TinyBms) -> None:
    with pytest.raises(ValueError, match="follows from current and soc, so set those"):
        pack.set_value("status", 0x91)
    pack.set_value("status", 0x9B)
    pack.advance(1.0)
    assert pack.registers[STATUS] == 0x9B
    with pytest.raises(ValueError, match="0x9B stays until fault=0"):
        pack.set_value("status", 0x97)
    pack.set_value("fault", 0)
    assert pack.registers[STATUS] == 0x97


def test_the_registers_of_a_dump_are_set_one_by_one_but_its_clock_and_its_log(real: TinyBms) -> None:
    for name, value in {"reg.0": 39000, "reg.40": 3900, "reg.53": 13, "status": 0x91, "voltage": 50}.items():
        real.set_value(name, value)
    real.advance(1.0)
    assert (real.registers[0], real.registers[40], real.registers[53], real.registers[STATUS]) == (
        39000,
        3900,
        13,
        0x91,
    )
    assert real.values()["voltage"] == 50
    for name, instead in {"reg.33": "lifetime", "reg.201": "event"}.items():
        with pytest.raises(ValueError, match=rf"overwrites it; set {instead}"):
            real.set_value(name, 1)


def test_a_dump_gets_its_own_status_back_after_a_fault(real: TinyBms) -> None:
    real.set_value("status", 0x92)
    real.set_value("fault", 0x03)
    assert (real.registers[STATUS], real.events[-1].id) == (0x9B, 0x03)
    real.set_value("fault", 0)
    real.set_value("fault", 0)
    assert real.registers[STATUS] == 0x92


def test_the_sensor_of_the_bms_itself_cannot_be_unplugged(pack: TinyBms) -> None:
    with pytest.raises(ValueError, match=r"internal -3276.8: must be -273..1000"):
        pack.set_value("internal", -3276.8)
    pack.set_value("temp1", -3276.8)
    assert pack.registers[42] == 0x8000


# ---- forced registers ----


def test_a_forced_register_reads_its_value_whatever_the_pack_does_until_it_is_freed(pack: TinyBms) -> None:
    highest = pack.registers[CELL_MAX]
    pack.set_value("force.41", 4500)
    pack.advance(1.0)
    assert pack.read(CELL_MAX, 1) == [4500]
    assert protocol.answer(pack, protocol.frame(0x16), 0.0)[2:4] == (4500).to_bytes(2, "little")
    assert pack.registers[CELL_MIN] <= highest, "its neighbours are as they were"
    pack.set_value("spread", 100)
    assert pack.read(CELL_MAX, 1) == [4500]
    pack.set_value("free.41", 1)
    assert pack.read(CELL_MAX, 1)[0] == highest + 46, "what the pack shows meanwhile"


def test_a_forced_voltage_is_what_the_device_says_it_measures(pack: TinyBms) -> None:
    """60 V as a float: 0x42700000."""
    pack.set_value("force.36", 0x0000)
    pack.set_value("force.37", 0x4270)
    pack.advance(1.0)
    assert pack.values()["voltage"] == 60.0


def test_setting_a_forced_register_is_refused_and_freeing_one_that_is_not_forced_is_not(pack: TinyBms) -> None:
    pack.set_value("force.315", 4000)
    with pytest.raises(ValueError, match=r"reg.315: is forced; set force.315, or free.315=1 first"):
        pack.set_value("reg.315", 3600)
    pack.set_value("free.315", 1)
    pack.set_value("free.315", 1)
    assert pack.registers[315] == 3650


def test_a_setting_that_is_written_while_it_is_forced_shows_when_it_is_freed(pack: TinyBms) -> None:
    pack.set_value("force.315", 4000)
    pack.write(315, 3600)
    assert pack.read(315, 1) == [4000]
    pack.set_value("free.315", 1)
    assert pack.read(315, 1) == [3600]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("force.70000", 1, "0..65535"),
        ("force.36", -1, "0..65535"),
        ("force.36", 0.5, "whole number"),
        ("free.36", 0, r"free\.36 0: must be 1\.\.1"),
        ("pull.36", 1, r"choose from soc.*reg\.N, force\.N, free\.N"),
    ],
)
def test_forcing_that_makes_no_sense_is_refused(pack: TinyBms, name: str, value: float, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        pack.set_value(name, value)
