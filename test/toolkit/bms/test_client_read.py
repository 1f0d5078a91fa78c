"""`bms info` and `bms read`: the registers of a real device, with values worked out by hand from the protocol."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusSerialClient

from support.peers.modbus_device import UNIT, modbus_device
from support.peers.serial_pair import serial_pair
from tinybms_gateway.bms import frames
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import TinyBms
from tinybms_gateway.sim.bms.line import BmsLine
from tinybms_gateway.sim.bms.simulator import make_line
from toolkit.bms.client_world import answering, bms, bms_json, complaint, tapped

REAL = {
    ("device", "model"): "TinyBMS, high power, current sensor: hall",  # 501 = 0x0301: bit 8, bits 9-10 = 1
    ("device", "hardware_version"): 2,  # 500 = 0x0102
    ("device", "hardware_changes"): 1,
    ("device", "firmware_public"): 1,
    ("device", "firmware_internal"): 242,
    ("device", "bootloader_version"): 24,  # 503 = 0x0418
    ("device", "register_map_version"): 4,
    ("device", "serial_number"): None,
    ("battery", "battery_capacity"): 66.0,
    ("battery", "cells_set"): 14,
    ("battery", "cells_detected"): 14,
    ("battery", "cells_measured"): 14,
    ("state", "status"): "idle",
    ("state", "state_of_charge"): 83.554824,  # 1274 << 16 | 61960
    ("state", "state_of_health"): None,
    ("state", "pack_voltage"): 55.78,
    ("state", "pack_current"): 0.0,
    ("state", "cell_voltage_min"): 3.98,
    ("state", "cell_voltage_max"): 3.99,
    ("state", "cell_difference"): 10.0,
    ("state", "temperature_internal"): 9.7,
    ("state", "temperature_external_1"): None,
    ("state", "temperature_external_2"): None,
    ("state", "lifetime"): 16683981,  # 254 << 16 | 37837
    ("protections", "fully_charged_voltage"): 4.15,
    ("protections", "fully_discharged_voltage"): 3.0,
    ("protections", "over_voltage_cutoff"): 4.2,
    ("protections", "under_voltage_cutoff"): 2.9,
    ("protections", "discharge_over_current_cutoff"): 60,
    ("protections", "charge_over_current_cutoff"): 20,
    ("protections", "peak_discharge_current_cutoff"): None,
    ("protections", "over_heat_cutoff"): 60,
    ("protections", "low_temperature_charger_cutoff"): 1,
    ("protections", "early_balancing_threshold"): 3.2,
    ("protections", "allowed_disbalance"): 0.015,
    ("protections", "charge_finished_current"): 1.0,
}


@pytest.fixture
def real(tmp_path: Path, real_dump: Path) -> Iterator[BmsLine]:
    with make_line(tmp_path / "bms", dump=real_dump, faults=("frozen",)) as line:
        yield line


def facts(port: object) -> dict[tuple[str, str], Any]:
    sections: Any = bms_json("info", port)
    return {(section, name): fact["value"] for section, lines in sections.items() for name, fact in lines.items()}


def real_registers(real_dump: Path) -> dict[int, int]:
    return {int(k): v for k, v in json.loads(real_dump.read_text())["registers"].items()}


def test_info_of_the_real_device(real: BmsLine) -> None:
    found = facts(real.link)
    assert {key: found[key] for key in REAL} == REAL


def test_info_for_people_has_units_and_never_a_zero_for_what_is_unknown(real: BmsLine) -> None:
    lines = [" ".join(line.split()) for line in bms("info", real.link).stdout.splitlines()]
    for line in (
        "fully charged voltage 4.150 V", "battery capacity 66.00 Ah", "charge over current cutoff 20 A",
        "temperature internal 9.7 degC", "temperature external 1 unknown", "state of health unknown",
        "serial number unknown", "peak discharge current cutoff unknown", "lifetime 193 d 02:26:21",
        "state of charge 83.554824 %", "cell difference 10.0 mV",
    ):  # fmt: skip
        assert line in lines


def test_the_serial_number_is_24_hex_digits(tmp_path: Path) -> None:
    with BmsLine(tmp_path / "bms") as line:
        assert facts(line.link)["device", "serial_number"] == "004345535016203639340007"


def test_the_ranges_that_the_bms_names_are_in_the_unit_of_the_register(real: BmsLine) -> None:
    found: Any = bms_json(
        "read", real.link, "--ranges", "300", "320", "discharge_over_current_timeout", "312", "pack_voltage"
    )
    ranges = {entry["name"]: (entry["min"], entry["max"], entry["default"]) for entry in found}
    assert ranges == {
        "fully_charged_voltage": (1.2, 4.5, 4.18),
        "low_temperature_charger_cutoff": (-40, 10, 1),
        "discharge_over_current_timeout": (0, 30, 5),  # the high byte of 330
        "pulses_per_unit": (1, 100000, 1),  # 312 and 313
        "pack_voltage": (None, None, None),
    }
    lines = [" ".join(line.split()) for line in bms("read", real.link, "--ranges", "315", "36").stdout.splitlines()]
    assert lines[0] == "register name value raw min max default meaning"
    assert any(line.startswith("315 over_voltage_cutoff 4.200 V 4200 1.200 V 4.500 V 4.200 V") for line in lines)
    assert any(line.startswith("36 pack_voltage 55.780 V") and " - - - " in line for line in lines)


def test_a_bms_that_does_not_tell_its_ranges_is_named(real_dump: Path) -> None:
    device = TinyBms(real_registers(real_dump))

    def answer(request: bytes) -> bytes:
        return frames.frame(0, 0x1D, 0) if request[1] == 0x1D else protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        assert "refuses to tell the ranges of its settings" in complaint(
            bms("read", tap.port, "300", "--ranges", "--timeout", "0.1", "--retries", "1"), 1
        )
        assert bms("read", tap.port, "300").exit_code == 0
    assert "give the registers to read" in complaint(bms("read", "/dev/null", "--all", "--ranges"), 2)


def test_what_the_bms_refuses_to_tell_is_unknown(real_dump: Path) -> None:
    device = TinyBms(real_registers(real_dump))

    def answer(request: bytes) -> bytes:
        if request[1:4] == b"\x03\x01\xf4":  # registers from 500 on
            return frames.frame(0x00, 0x03, 0x00)
        return protocol.answer(device, request, 0.0)

    with answering(answer) as tap:
        found = facts(tap.port)
        assert {value for (section, _), value in found.items() if section == "device"} == {None}
        assert found["state", "pack_voltage"] == 55.78
        assert "refuses to read registers 500..501" in complaint(bms("read", tap.port, "500-501"), 1)


def test_a_foreign_modbus_server_is_read(real_dump: Path) -> None:
    with serial_pair() as (near, far), modbus_device(far, real_registers(real_dump)):
        found = facts(near)
        assert {key: found[key] for key in REAL} == REAL
        registers: Any = bms_json("read", near, "300-343")
        assert registers[0]["value"] == 4.15


def test_registers_by_number_name_and_range_in_the_order_asked(real: BmsLine) -> None:
    readings: Any = bms_json("read", real.link, "over_voltage_cutoff", "36", "300-302", "48")
    assert readings == [
        {"register": 315, "name": "over_voltage_cutoff", "raw": 4200, "value": 4.2, "unit": "V"},
        {"register": 36, "name": "pack_voltage", "raw": pytest.approx(55.78, abs=1e-5), "value": 55.78, "unit": "V"},
        {"register": 300, "name": "fully_charged_voltage", "raw": 4150, "value": 4.15, "unit": "V"},
        {"register": 301, "name": "fully_discharged_voltage", "raw": 3000, "value": 3.0, "unit": "V"},
        {"register": 302, "name": None, "raw": 0, "value": 0, "unit": ""},
        {"register": 48, "name": "temperature_internal", "raw": 97, "value": 9.7, "unit": "degC"},
    ]


def test_half_of_a_pair_and_parts_of_a_register_are_read_as_what_they_belong_to(real: BmsLine) -> None:
    real.bms.registers[330] = 0x0501
    readings: Any = bms_json("read", real.link, "47", "330")
    assert [(r["register"], r["name"], r["value"]) for r in readings] == [
        (46, "state_of_charge", 83.554824),
        (330, "charger_type", 1),
        (330, "discharge_over_current_timeout", 5),
    ]


def test_signed_values(real: BmsLine) -> None:
    real.bms.registers[320] = 0xFFFB  # -5
    real.bms.registers[42] = 0xFFCE  # -50
    real.bms.registers[113] = 0x19EC  # highest 25, lowest -20
    readings: Any = bms_json("read", real.link, "320", "42", "113")
    assert [r["value"] for r in readings] == [-5, -5.0, -20, 25]


def test_a_setting_that_reads_what_it_cannot_be_is_unknown_and_its_raw_value_is_told(real: BmsLine) -> None:
    readings: Any = bms_json("read", real.link, "328", "332", "temperature_external_1")
    assert [(r["value"], r["raw"]) for r in readings] == [(None, 65535), (None, 0), (None, -32768)]
    assert "unknown (reads 65535)" in bms("read", real.link, "328").stdout


def test_a_float_that_is_no_number_is_unknown_and_the_json_stays_json(real: BmsLine) -> None:
    real.bms.registers.set_u32(36, 0x7FC00000)
    readings: Any = bms_json("read", real.link, "pack_voltage")
    assert (readings[0]["value"], readings[0]["raw"]) == (None, None)


def test_one_request_reads_what_lies_together_and_no_pair_is_cut(real: BmsLine) -> None:
    with tapped(real.link) as tap:
        bms("read", tap.port, "--timeout", "2", "300-343")
        assert tap.sent == bytes.fromhex("AA 03 01 2C 00 2C") + frames.crc(bytes.fromhex("AA 03 01 2C 00 2C"))
        tap.clear()
        bms("read", tap.port, "0-600")
        for request in tap.requests:
            first, count = int.from_bytes(request[2:4], "big"), request[5]
            assert request[1] == 0x03
            assert count <= 125
            for low in (32, 34, 36, 38, 46, 54, 100, 116, 312):
                assert (first <= low < first + count) == (first <= low + 1 < first + count), (first, count, low)


def test_a_dump_is_played_by_the_simulator_as_the_device_it_was_read_from(
    tmp_path: Path, real: BmsLine, real_dump: Path
) -> None:
    result = bms("read", real.link, "--all")
    assert result.exit_code == 0
    copy = tmp_path / "copy.json"
    copy.write_text(result.stdout)
    expected = real_registers(real_dump)
    assert json.loads(result.stdout).keys() == json.loads(real_dump.read_text()).keys()
    assert {k: v for k, v in real_registers(copy).items() if k in expected} == expected
    with make_line(tmp_path / "played", dump=copy, faults=("frozen",)) as played:
        client = ModbusSerialClient(str(played.link), baudrate=115200, timeout=1)
        assert client.connect()
        for first, count in ((0, 56), (100, 18), (200, 98), (300, 44), (500, 10)):
            registers = client.read_holding_registers(first, count=count, device_id=UNIT).registers
            assert registers == [expected.get(first + i, 0) for i in range(count)], first
        client.close()
        assert played.bms.events == real.bms.events


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give the registers"),
        (["--all", "300"], "give the registers"),
        (["pack_voltag"], "did you mean pack_voltage"),
        (["zzz"], "bms registers"),
        (["65536"], "0..65535"),
        (["343-300"], "FIRST-LAST"),
        (["1-99999999999"], "not known"),
        (["0x12c"], "not known"),
        (["٣٠٠"], "not known"),
        ([""], "not known"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_nothing_is_sent(
    real: BmsLine, arguments: list[str], expected: str
) -> None:
    with tapped(real.link) as tap:
        assert expected in complaint(bms("read", tap.port, *arguments), 2)
        assert tap.sent == b""


def test_the_table_travels_in_the_package(root: Path) -> None:
    package = root / "tools/tinybms_gateway"
    data = {str(path.relative_to(package)) for path in package.glob("**/*.*") if path.suffix in (".json", ".dbc")}
    assert data == {"bms/tinybms_registers.json", "can/victron_bms.dbc"}
    assert '"bms/*.json", "can/*.dbc"' in (root / "pyproject.toml").read_text()
