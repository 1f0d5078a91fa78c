"""A pymodbus server plays the BMS: nothing of ours is on the other end of the line. It knows MODBUS only, no events."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from serial_pair import serial_pair
from tinybms_gateway.gateway.gateway_impl import GatewayProcess
from watch import collect, open_bus

UNIT = 0xAA


@contextmanager
def modbus_device(port: str, registers: dict[int, int]) -> Iterator[None]:
    values = [registers.get(address, 0) for address in range(600)]
    device = SimDevice(UNIT, SimData(0, values=values, datatype=DataType.REGISTERS))
    loop = asyncio.new_event_loop()

    async def start() -> ModbusSerialServer:
        server = ModbusSerialServer(device, port=port, baudrate=115200)
        await server.serve_forever(background=True)
        return server

    thread = threading.Thread(target=loop.run_forever, name="modbus")
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_foreign_modbus_server_is_read_and_published(tmp_path: Path, real_dump: Path) -> None:
    registers = {int(k): v for k, v in json.loads(real_dump.read_text())["registers"].items()}
    with (
        serial_pair() as (near, far),
        modbus_device(far, registers),
        GatewayProcess(Path(near), tmp_path / "data") as gateway,
        open_bus(gateway.can_backend()) as bus,
    ):
        frames = {m.arbitration_id: m.data.hex(" ").upper() for m in collect(bus, 5.0)}
    assert frames[0x351] == "45 02 C8 00 58 02 A4 01"
    assert frames[0x355] == "54 00 64 00 A3 20 00 00"
    assert frames[0x356] == "CA 15 00 00 61 00 00 00"
    assert frames[0x373] == "8C 0F 96 0F FF FF FF FF"
