"""Two real systems, and a device of theirs that shows what it is told, with some registers damaged."""

import struct
from dataclasses import dataclass, field

from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.device import TinyBms

USED = (300, 301, 303, 305, 306, 307, 315, 316, 317, 318, 319, 320, 321, 329)
"""Registers of the settings that limits are made of."""


@dataclass(frozen=True)
class System:
    """A real system, at rest and half full."""

    cells: int
    cell_mv: int
    floor_mv: int
    settings: dict[int, int]
    sensors_ddegc: tuple[int, int]


LFP = System(
    16, 3300, 2900,
    {300: 3550, 301: 2900, 303: 3300, 304: 5000, 305: 150, 306: 28000, 307: 16, 315: 3650, 316: 2800, 317: 120,
     318: 100, 319: 60, 320: 0, 321: 90, 329: 4},
    (225, 210),
)  # fmt: skip
NMC = System(
    14, 3800, 3000,
    {300: 4150, 301: 3000, 303: 3900, 304: 1000, 306: 6600, 307: 14, 315: 4200, 316: 2900, 317: 60, 318: 20, 319: 60,
     320: 0},
    (-0x8000, -0x8000),
)  # fmt: skip
SYSTEMS = {"LFP with two sensors": LFP, "NMC of an old device without one": NMC}


def signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word


@dataclass
class World:
    """A device that shows what it is told, and what is true of it."""

    system: System
    order: EventOrder
    bms: TinyBms = field(init=False)
    true: dict[int, int] = field(default_factory=dict)
    """Its registers, without the damage that some of them have."""
    holding: list[int] = field(default_factory=list)
    """Faults that hold."""
    fault_changed_ms: int = 0
    damaged: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bms = TinyBms(dict(self.system.settings), event_order=self.order)
        self.bms.lifetime_s = 100_000.0
        self.bms.log_event(0x64)
        self.heal()

    def put(self, address: int, value: int) -> None:
        self.true[address] = value & 0xFFFF
        self.show()

    def put_float(self, address: int, value: float) -> None:
        low, high = struct.unpack("<HH", struct.pack("<f", value))
        self.put(address, low)
        self.put(address + 1, high)

    def put_cells(self, all_mv: int, lowest_mv: int, highest_mv: int) -> None:
        """Of one cell each the lowest and the highest, the others are alike."""
        cells = [all_mv] * self.system.cells
        cells[0], cells[-1] = lowest_mv, highest_mv
        first = 16 - self.system.cells
        for place in range(16):
            self.true[place] = cells[place - first] * 10 if place >= first else 0
        self.put_float(reg.PACK_VOLTAGE, sum(cells) / 1000)
        self.put(reg.CELL_MIN, min(cells))
        self.put(reg.CELL_MAX, max(cells))

    def show(self) -> None:
        for address, value in self.true.items():
            self.bms.registers[address] = value ^ self.damaged.get(address, 0)

    def heal(self, current_a: float = 0.0) -> None:
        """Healthy again, with all settings as they were, and every sensor that may have been seen."""
        self.damaged.clear()
        self.put_cells(self.system.cell_mv, self.system.cell_mv, self.system.cell_mv)
        self.put_float(reg.PACK_CURRENT, current_a)
        for address, value in zip((reg.TEMP_EXT_1, reg.TEMP_EXT_2), self.system.sensors_ddegc, strict=True):
            self.put(address, value)
        self.put(reg.TEMP_INTERNAL, 250)
        self.put(reg.SOC, 50_000_000 & 0xFFFF)
        self.put(reg.SOC + 1, 50_000_000 >> 16)
        self.put(reg.STATUS, 0x91 if current_a > 0 else 0x97)
        self.put(reg.CELL_COUNT, self.system.cells)
        for address in USED:
            self.put(address, self.system.settings.get(address, 0))
        self.holding.clear()
