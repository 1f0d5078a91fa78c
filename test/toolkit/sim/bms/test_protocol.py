"""The simulated TinyBMS against the maker's examples and the frames of other clients."""

import struct
from pathlib import Path

import pytest

from tinybms_gateway.bms.dump import load_dump
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import Event, TinyBms
from tinybms_gateway.sim.bms.pack import CellPack


@pytest.fixture
def bms() -> TinyBms:
    return TinyBms()


@pytest.fixture
def real(real_dump: Path) -> TinyBms:
    return TinyBms(load_dump(real_dump))


def ask(bms: TinyBms, request: str | bytes) -> bytes:
    raw = bytes.fromhex(request) if isinstance(request, str) else request
    assert protocol.take_request(bytearray(raw)) == raw
    return protocol.answer(bms, raw, 0.0)


def test_the_makers_write_example_sets_both_cutoffs(bms: TinyBms) -> None:
    assert ask(bms, "AA 10 01 3B 00 02 04 10 68 09 C4 19 61") == bytes.fromhex("AA 10 01 3B 00 02 28 22")
    assert bms.read(315, 2) == [4200, 2500]


def test_the_makers_read_example_has_the_cells_msb_first(bms: TinyBms) -> None:
    for address, value in zip(range(5, 10), (0x9740, 0x9740, 0x972C, 0x972C, 0x972C), strict=True):
        bms.registers[address] = value
    expected = bytes.fromhex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7")
    assert ask(bms, "AA 03 00 05 00 05 8C 13") == expected


def test_the_makers_temperature_example(bms: TinyBms) -> None:
    bms.registers[48], bms.registers[42], bms.registers[43] = 0x0116, 0x0114, 0x0116
    assert ask(bms, "AA 1B 3F 1B") == bytes.fromhex("AA 1B 06 16 01 14 01 16 01 0E 4E")


def test_reset_is_acknowledged_and_logged(bms: TinyBms) -> None:
    assert ask(bms, "AA 02 05 90 83")[:3] == bytes.fromhex("AA 01 02")
    assert bms.events[-1].id == 0x61


@pytest.mark.parametrize(
    ("request_", "start"),
    [
        ("AA 16 FE DE", "AA 16"),
        ("AA 18 7F 1A", "AA 18"),
        ("AA 1A FE DB", "AA 1A"),
        ("AA 11 BF 1C", "AA 11"),
        ("AA 09 04 24 00 25 00 F0 33", "AA 09 08 24 00"),
        ("AA 07 01 2C 01 B1 AC", "AA 07 02"),
        ("AA 0D 04 2C 01 42 0E 09 E3", "AA 01 0D"),
    ],
)
def test_requests_of_other_clients_are_answered(bms: TinyBms, request_: str, start: str) -> None:
    assert ask(bms, request_).startswith(bytes.fromhex(start))


@pytest.mark.parametrize("request_", ["AA 14 7E AF", "AA 15 BF 6F"])
def test_a_wrong_crc_is_answered_negatively(bms: TinyBms, request_: str) -> None:
    reply = ask(bms, request_)
    assert reply[:4] == bytes([0xAA, 0x00, bytes.fromhex(request_)[1], 0x01])


def test_single_measurements_of_the_real_device(real: TinyBms) -> None:
    assert struct.unpack("<f", ask(real, protocol.frame(0x14))[2:6])[0] == pytest.approx(55.78, abs=0.001)
    assert ask(real, protocol.frame(0x16))[2:4] == (3990).to_bytes(2, "little")
    assert ask(real, protocol.frame(0x17))[2:4] == (3980).to_bytes(2, "little")
    assert ask(real, protocol.frame(0x18))[2:4] == b"\x97\x00"
    assert ask(real, protocol.frame(0x1A))[2:6] == (83554824).to_bytes(4, "little")
    assert ask(real, protocol.frame(0x1E))[2:8] == bytes([5, 2, 1, 1, 242, 0])


def test_cell_voltages_are_those_of_the_used_registers(real: TinyBms) -> None:
    reply = ask(real, protocol.frame(0x1C))
    assert reply[2] == 28
    assert struct.unpack("<14H", reply[3:31])[:3] == (39800, 39810, 39820)


def test_events_of_a_dump_are_read_from_its_registers(real: TinyBms) -> None:
    assert Event(0x001226, 0x65) in real.events
    reply = ask(real, protocol.frame(0x12))
    assert bytes.fromhex("26 12 00 65") in reply


@pytest.mark.parametrize(
    "request_",
    [
        protocol.frame(0x03, b"\0\0\0\0"),  # no register
        protocol.frame(0x03, b"\0\0\0\x80"),  # 128 registers
        protocol.frame(0x10, b"\x00\x64\0\x01\x02\0\0"),  # register 100
        protocol.frame(0x0D, b"\x04\x90\x01\0\0"),  # register 400
        protocol.frame(0x02, b"\x03"),  # no such option
        protocol.frame(0x1D, b"\x05\0\x01"),
        protocol.frame(0x42),
    ],
)
def test_requests_that_make_no_sense_are_answered_negatively(bms: TinyBms, request_: bytes) -> None:
    assert ask(bms, request_)[:4] == bytes([0xAA, 0x00, request_[1], 0x00])


def test_soc_and_soh_settings_read_ffff_and_set_the_live_values(bms: TinyBms) -> None:
    ask(bms, protocol.frame(0x0D, b"\x08" + struct.pack("<4H", 328, 25000, 323, 45000)))
    assert bms.read(328, 1) == bms.read(323, 1) == [0xFFFF]
    assert bms.registers.u32(46) == 50_000_000
    assert bms.registers[45] == 45000


def test_statistics_and_events_can_be_cleared(bms: TinyBms) -> None:
    bms.registers[106] = 3
    ask(bms, protocol.frame(0x02, b"\x02"))
    ask(bms, protocol.frame(0x02, b"\x01"))
    assert bms.read(100, 14) == [0] * 14
    assert bms.read(200, 98) == [0] * 98
    assert ask(bms, protocol.frame(0x12))[2] == 4


def test_garbage_before_a_request_is_skipped() -> None:
    buffer = bytearray(b"\x00\xff" + bytes.fromhex("AA 1B 3F 1B") + b"\xaa")
    assert protocol.take_request(buffer) == bytes.fromhex("AA 1B 3F 1B")
    assert protocol.take_request(buffer) is None


def test_the_simulated_pack_is_physical() -> None:
    for soc in (0, 5, 50, 95, 100):
        cells = [CellPack(soc=soc).cell_mv(i) for i in range(16)]
        assert 2500 < min(cells) <= max(cells) < 3650, f"SOC {soc}"
    bms = TinyBms()
    assert bms.values()["voltage"] == pytest.approx(sum(bms.read(0, 16)) / 10000, abs=0.001)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("soc", 101, "0..100"),
        ("temp1", 4000, "-3276.8..3276.7"),
        ("reg.300", 70000, "0..65535"),
        ("reg.70000", 1, "0..65535"),
        ("volume", 1, "choose from soc"),
    ],
)
def test_values_that_make_no_sense_are_refused(bms: TinyBms, name: str, value: float, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        bms.set_value(name, value)


def test_statistics_count_what_happens() -> None:
    bms = TinyBms()
    bms.set_value("soc", 50)
    bms.set_value("current", 60)
    bms.advance(1.0)
    bms.set_value("current", -80)
    bms.set_value("spread", 30)
    bms.set_value("temp1", 41)
    bms.advance(1.0)
    bms.set_fault(0x03)
    assert bms.registers[102] == 800
    assert bms.registers[103] == 600
    assert bms.registers[104] == 300
    assert bms.registers[106] == 1
    assert bms.registers[111] == 1
    assert bms.registers[113] == 41 << 8 | 21
    bms.clear_statistics()
    assert bms.read(105, 5) == [0] * 5


def test_settings_are_within_the_limits_that_the_device_itself_names(bms: TinyBms) -> None:
    def values(option: int) -> tuple[int, ...]:
        return struct.unpack("<44H", ask(bms, protocol.frame(0x1D, bytes([option, 0, 44])))[3:-2])

    signed = {319, 320}
    for address, least, most, current in zip(range(300, 344), values(1), values(2), values(4), strict=True):
        if address in (302, 309, 313, 323, 324, 325, 326, 327, 328):
            continue
        numbers = [v - 0x10000 if address in signed and v >= 0x8000 else v for v in (least, current, most)]
        assert numbers == sorted(numbers), address
