"""Registers that the simulated device writes itself: setting them would be undone at once, or change nothing else."""

from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.registers import Registers

BY_EVERY_DEVICE = dict.fromkeys((reg.LIFETIME, reg.LIFETIME + 1), "lifetime") | dict.fromkeys(reg.EVENTS, "event")
"""Register -> the name to set instead."""
BY_A_PACK = {
    **dict.fromkeys(reg.CELLS, "soc, current or spread"),
    **dict.fromkeys((reg.PACK_VOLTAGE, reg.PACK_VOLTAGE + 1), "soc, current or spread"),
    **dict.fromkeys((reg.PACK_CURRENT, reg.PACK_CURRENT + 1), "current"),
    **dict.fromkeys((reg.CELL_MIN, reg.CELL_MAX), "soc, current or spread"),
    reg.TEMP_EXT_1: "temp1",
    reg.TEMP_EXT_2: "temp2",
    reg.SOH: "soh",
    **dict.fromkeys((reg.SOC, reg.SOC + 1), "soc"),
    reg.TEMP_INTERNAL: "internal",
    reg.STATUS: "current, soc or fault",
    reg.CELL_COUNT: "",
    reg.TEMPERATURE_EXTREMES: "temp1 or temp2",
}
"""The same for a pack, whose model is shown ten times a second; empty: there is no name."""
HIGHEST_SO_FAR = (reg.DISCHARGE_CURRENT_MAX, reg.CHARGE_CURRENT_MAX, reg.CELL_DIFFERENCE_MAX)
"""Statistics of a pack that only go up."""


def check_settable(registers: Registers, address: int, value: int, *, modelled: bool) -> None:
    """Refuse to set a register to what it would not keep.

    Args:
        registers: those of the device
        address: which one
        value: the new value
        modelled: the device has a pack, whose measurements are written repeatedly

    Raises:
        ValueError: it would have no effect; says what to do instead.
    """
    if registers.is_forced(address):
        raise ValueError(f"reg.{address}: is forced; set force.{address}, or free.{address}=1 first")
    written = BY_EVERY_DEVICE | (BY_A_PACK if modelled else {})
    if address in written:
        instead = f"{written[address]}, or force.{address}" if written[address] else f"force.{address}"
        raise ValueError(f"reg.{address}: the simulator overwrites it; set {instead}")
    if modelled and address in HIGHEST_SO_FAR and value < registers.own(address):
        raise ValueError(
            f"reg.{address}: holds the highest value so far, {registers.own(address)}, and only goes up; "
            f"clear the statistics (tinybms-gw bms reset statistics), or set force.{address}"
        )
