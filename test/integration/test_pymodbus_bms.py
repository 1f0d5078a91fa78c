"""A pymodbus server plays the BMS: nothing of ours is on the other end of the line. It knows MODBUS only, no events."""

import json
from pathlib import Path

from support.instruments.watch import collect, open_bus
from support.peers.modbus_device import modbus_device
from support.peers.serial_pair import serial_pair
from tinybms_gateway.gateway_process import GatewayProcess


def test_a_foreign_modbus_server_is_read_and_published(tmp_path: Path, real_dump: Path) -> None:
    registers = {int(k): v for k, v in json.loads(real_dump.read_text())["registers"].items()}
    with (
        serial_pair() as (near, far),
        modbus_device(far, registers),
        GatewayProcess(Path(near), tmp_path / "data") as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        seen = collect(bus, 5.0)
    frames = {m.arbitration_id: m.data.hex(" ").upper() for m in seen}
    first = next(m for m in seen if m.arbitration_id == 0x351)
    assert first.data.hex(" ").upper() == "3A 02 12 00 36 00 A4 01", "57.0 V, a tenth of 18 A and of 54 A, 42.0 V"
    assert frames[0x355] == "54 00 64 00 A3 20 00 00"
    assert frames[0x356] == "CA 15 00 00 61 00 00 00"
    assert frames[0x373] == "8C 0F 96 0F FF FF FF FF"
