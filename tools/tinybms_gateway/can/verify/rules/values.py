"""Whether a value is plausible, on its own or beside those of the same frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.decoder import Frames
from tinybms_gateway.can.protocol import NO_TEMPERATURE
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules.base import FRAMES, OF_THE_CHECK, VICTRON, FrameRule, Mask

FULL = 100
FULL_HIGH_RESOLUTION = 10000
CELL_MV = (500, 5000)
PACK_CV = (500, 8000)
"""5 to 80 V: a TinyBMS has at most 16 cells, and its gateway refuses more than 80 V."""
CURRENT_DA = 10000
"""1000 A: more is refused by the gateway."""
TEMPERATURE_DDEGC = (-400, 1000)
TEMPERATURE_K = (233, 373)

Raw = Callable[[Frames], NDArray[np.int64]]


def outside(values: NDArray[np.int64], bounds: tuple[int, int]) -> Mask:
    """Where values are not within both bounds."""
    found: Mask = (values < bounds[0]) | (values > bounds[1])
    return found


def has_temperatures(frames: Frames) -> Mask:
    """Frames 0x373 with both temperatures."""
    found = frames.has("CellTemperatureMax")
    for name in ("CellTemperatureMin", "CellTemperatureMax"):
        found &= ~np.isin(frames.raw(name), NO_TEMPERATURE)
    return found


def _one_temperature(frames: Frames) -> Mask:
    lowest, highest = (
        ~frames.has(name) | np.isin(frames.raw(name), NO_TEMPERATURE)
        for name in ("CellTemperatureMin", "CellTemperatureMax")
    )
    found: Mask = lowest != highest
    return found


def _said(*names: str) -> Callable[[Frames, int], str]:
    """Say what some signals of a frame are."""

    def tell(frames: Frames, i: int) -> str:
        units = {signal.name: signal.unit or "" for signal in frames.message.signals}
        values = {name: round(float(frames.physical(name)[i]), 2) for name in names}
        return ", ".join(f"{name} {value:g} {units[name]}".rstrip() for name, value in values.items())

    return tell


def _soc_above(frames: Frames) -> Mask:
    high: Mask = frames.raw("SOC") > FULL
    return high | (frames.raw("SOCHighResolution") > FULL_HIGH_RESOLUTION)


def _soc_differs(frames: Frames) -> Mask:
    """Both are rounded from a finer one: what shows as a half may have been slightly less."""
    fine, coarse = frames.raw("SOCHighResolution"), frames.raw("SOC")
    differs: Mask = (coarse != (fine + 50) // 100) & (coarse != (fine + 49) // 100)
    return differs


def _modules_wrong(frames: Frames) -> Mask:
    charge, discharge = frames.raw("ModulesBlockingCharge"), frames.raw("ModulesBlockingDischarge")
    free = (charge == 0) & (discharge == 0) & (frames.raw("ModulesOffline") == 0)
    wrong: Mask = (frames.raw("ModulesOK") != 0) != free
    return wrong


def _not_one_module(frames: Frames) -> Mask:
    """A module is 0 or 1: all higher bits of the four fields are 0."""
    found: Mask = (frames.data & np.uint64(0xFFFEFFFEFFFEFFFE)) != 0
    return found


MODULES = ("ModulesOK", "ModulesBlockingCharge", "ModulesBlockingDischarge", "ModulesOffline")


def rules() -> list[Rule]:
    """All of them."""
    whole = lambda f: f.has("SOCHighResolution")  # noqa: E731 - a word for the table below
    return [
        FrameRule("cvl-positive", "CVL is above 0: with 0 an inverter would discharge the battery.", VICTRON, 0x351,
                  lambda f: f.raw("CVL") == 0, _said("CVL")),
        FrameRule("ccl-not-negative", "CCL is sent positive.", VICTRON, 0x351, lambda f: f.raw("CCL") < 0,
                  _said("CCL")),
        FrameRule("dcl-not-negative", "DCL is sent positive.", VICTRON, 0x351, lambda f: f.raw("DCL") < 0,
                  _said("DCL")),
        FrameRule("soc-range", "SOC is at most 100 %, in both resolutions.", VICTRON, 0x355, _soc_above,
                  _said("SOC", "SOCHighResolution")),
        FrameRule("soh-range", "SOH is at most 100 %.", VICTRON, 0x355, lambda f: f.raw("SOH") > FULL, _said("SOH")),
        FrameRule("soc-resolution", "SOC is its high resolution, rounded half up (a half may have been slightly less).",
                  FRAMES, 0x355, _soc_differs,
                  _said("SOC", "SOCHighResolution"), applies=whole),
        FrameRule("voltage-range", "The battery voltage is between 5 and 80 V.", OF_THE_CHECK, 0x356,
                  lambda f: outside(f.raw("Voltage"), PACK_CV), _said("Voltage")),
        FrameRule("current-range", "The battery current is at most 1000 A either way.", OF_THE_CHECK, 0x356,
                  lambda f: outside(f.raw("Current"), (-CURRENT_DA, CURRENT_DA)), _said("Current")),
        FrameRule("temperature-range", "The battery temperature is between -40 and 100 degC.", OF_THE_CHECK, 0x356,
                  lambda f: outside(f.raw("Temperature"), TEMPERATURE_DDEGC), _said("Temperature")),
        FrameRule("cell-voltage-range", "Cell voltages are between 0.5 and 5 V.", OF_THE_CHECK, 0x373,
                  lambda f: outside(f.raw("CellVoltageMin"), CELL_MV) | outside(f.raw("CellVoltageMax"), CELL_MV),
                  _said("CellVoltageMin", "CellVoltageMax")),
        FrameRule("cell-voltage-order", "The lowest cell voltage is not above the highest.", VICTRON, 0x373,
                  lambda f: f.raw("CellVoltageMin") > f.raw("CellVoltageMax"),
                  _said("CellVoltageMin", "CellVoltageMax")),
        FrameRule("cell-temperature-range", "Cell temperatures are between 233 and 373 K.", OF_THE_CHECK, 0x373,
                  lambda f: outside(f.raw("CellTemperatureMin"), TEMPERATURE_K)
                  | outside(f.raw("CellTemperatureMax"), TEMPERATURE_K),
                  _said("CellTemperatureMin", "CellTemperatureMax"), applies=has_temperatures),
        FrameRule("cell-temperature-order", "The lowest cell temperature is not above the highest.", VICTRON, 0x373,
                  lambda f: f.raw("CellTemperatureMin") > f.raw("CellTemperatureMax"),
                  _said("CellTemperatureMin", "CellTemperatureMax"), applies=has_temperatures),
        FrameRule("cell-temperature-both", "0x373 holds both temperatures or none.", FRAMES, 0x373, _one_temperature,
                  _said("CellTemperatureMin", "CellTemperatureMax")),
        FrameRule("modules-one", "The battery is one module: each number in 0x372 is 0 or 1.", FRAMES, 0x372,
                  _not_one_module, _said(*MODULES)),
        FrameRule("modules-ok", "The module is OK exactly while it neither blocks nor is offline.", FRAMES, 0x372,
                  _modules_wrong, _said(*MODULES)),
    ]  # fmt: skip
