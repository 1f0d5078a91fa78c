"""A pymodbus server as the BMS: nothing of ours is on that end of the line. It knows MODBUS only, no events."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

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
