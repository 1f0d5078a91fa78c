"""An independent MODBUS master reads and writes the simulated TinyBMS: unit 0xAA stands where its start byte is."""

import json
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient

from tinybms_gateway.sim.bms.simulator import make_line

UNIT = 0xAA


def connect(link: Path) -> ModbusSerialClient:
    client = ModbusSerialClient(str(link), baudrate=115200, timeout=1, retries=3)
    assert client.connect()
    return client


def test_every_register_of_the_real_device_reads_as_in_its_dump(tmp_path: Path, real_dump: Path) -> None:
    registers = {int(k): v for k, v in json.loads(real_dump.read_text())["registers"].items()}
    with make_line(tmp_path / "bms", dump=real_dump) as line:
        client = connect(line.link)
        for first, count in ((0, 56), (100, 18), (200, 98), (300, 44), (500, 10)):
            answer = client.read_holding_registers(first, count=count, device_id=UNIT)
            assert not answer.isError(), f"from {first}"
            assert answer.registers == [registers.get(first + i, 0) for i in range(count)], f"from {first}"
        client.close()


@pytest.mark.parametrize("address", [16, 31, 49, 110])
def test_reserved_registers_answer_normally(tmp_path: Path, address: int) -> None:
    with make_line(tmp_path / "bms") as line:
        client = connect(line.link)
        assert client.read_holding_registers(address, count=1, device_id=UNIT).registers == [0]
        client.close()


def test_settings_are_written_and_read_back(tmp_path: Path) -> None:
    with make_line(tmp_path / "bms") as line:
        client = connect(line.link)
        assert not client.write_registers(315, [4200, 2500], device_id=UNIT).isError()
        assert client.read_holding_registers(315, count=2, device_id=UNIT).registers == [4200, 2500]
        client.close()


def test_the_master_wakes_it_by_asking_again(tmp_path: Path) -> None:
    with make_line(tmp_path / "bms", asleep=True) as line:
        client = connect(line.link)
        assert client.read_holding_registers(300, count=1, device_id=UNIT).registers == [3550]
        client.close()
