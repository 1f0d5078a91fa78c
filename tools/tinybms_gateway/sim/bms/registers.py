"""The registers of the simulated TinyBMS, from the manufacturer's protocol description, revision D.

Written independently of the gateway's register table, so that a mistake in one of them shows.
"""

import struct

ADDRESS_SPACE = 0x10000
WRITABLE = range(300, 400)

LIVE = range(0, 56)
CELLS = range(0, 16)
LIFETIME = 32
PACK_VOLTAGE = 36
PACK_CURRENT = 38
CELL_MIN = 40
CELL_MAX = 41
TEMP_EXT_1 = 42
TEMP_EXT_2 = 43
SOH = 45
SOC = 46
TEMP_INTERNAL = 48
STATUS = 50
CELL_COUNT = 53
SPEED = 54
DISTANCE = 100
STATISTICS = range(100, 114)
DISCHARGE_CURRENT_MAX = 102
CHARGE_CURRENT_MAX = 103
CELL_DIFFERENCE_MAX = 104
PROTECTION_COUNTS = {0x02: 105, 0x03: 106, 0x05: 107, 0x06: 108, 0x04: 109}
"""Fault event -> the register that counts it."""
TEMPERATURE_EXTREMES = 113
RESET_CAUSES = 114
CLEARED_AT = 116
EVENTS = range(200, 298)
SETTING_SOH = 323
SETTING_SOC = 328
BROADCAST_PERIOD = 342
BROADCAST_PROTOCOL = 343
VERSION = 500

STATUS_CHARGING = 0x91
STATUS_FULL = 0x92
STATUS_DISCHARGING = 0x93
STATUS_IDLE = 0x97
STATUS_FAULT = 0x9B
STATUS_COUNTS = {STATUS_CHARGING: 111, STATUS_FULL: 112}
"""Status -> the register that counts how often it was entered."""

NOT_CONNECTED = 0x8000
ACCEPTED = 0xFFFF
"""What 323 and 328 read after a value was taken."""

BROADCAST_PERIODS_S = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Registers:
    """65536 registers of 16 bits, those never set read 0; wide values have their low word first."""

    def __init__(self) -> None:
        self._values: dict[int, int] = {}
        self._forced: dict[int, int] = {}

    def __getitem__(self, address: int) -> int:
        return self._forced.get(address, self.own(address))

    def __setitem__(self, address: int, value: int) -> None:
        _check(address, value)
        self._values[address] = value

    def own(self, address: int) -> int:
        """What was written last, even where a register is forced to read something else."""
        return self._values.get(address, 0)

    def force(self, address: int, value: int) -> None:
        """Let a register read a value, whatever is written to it, until it is freed."""
        _check(address, value)
        self._forced[address] = value

    def free(self, address: int) -> None:
        """Let a register read again what was written last."""
        self._forced.pop(address, None)

    def is_forced(self, address: int) -> bool:
        """It reads a value of its own."""
        return address in self._forced

    def u32(self, address: int) -> int:
        """Two registers as an unsigned number."""
        return self[address] | self[address + 1] << 16

    def set_u32(self, address: int, value: int) -> None:
        """Set two registers from an unsigned number."""
        self[address] = value & 0xFFFF
        self[address + 1] = value >> 16

    def set_i16(self, address: int, value: int) -> None:
        """Set a register from a signed number."""
        if not -0x8000 <= value <= 0x7FFF:
            raise ValueError(f"register {address}: value {value} must be -32768..32767")
        self[address] = value & 0xFFFF

    def f32(self, address: int) -> float:
        """Two registers as a float."""
        return float(struct.unpack("<f", struct.pack("<I", self.u32(address)))[0])

    def set_f32(self, address: int, value: float) -> None:
        """Set two registers from a float."""
        self.set_u32(address, struct.unpack("<I", struct.pack("<f", value))[0])


def _check(address: int, value: int) -> None:
    if not 0 <= address < ADDRESS_SPACE:
        raise ValueError(f"register {address}: must be 0..{ADDRESS_SPACE - 1}")
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"register {address}: value {value} must be 0..65535")
