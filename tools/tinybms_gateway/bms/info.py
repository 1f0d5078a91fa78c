"""``tinybms-gw bms info``: identity, settings and state of a TinyBMS."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, span
from tinybms_gateway.bms.options import OpenBms, on_line
from tinybms_gateway.bms.table import duration, register, registers
from tinybms_gateway.command_line import print_json
from tinybms_gateway.terminal import print_table

UNKNOWN = "unknown"
SERIAL_NUMBER = range(504, 510)
VERSION = range(500, 504)
CELLS = range(16)
POWER = ("low power", "high power")
SENSOR = ("resistor", "hall", "external")

SECTIONS: dict[str, tuple[str, ...]] = {
    "device": (
        "hardware_version", "hardware_changes", "firmware_public", "firmware_internal", "bootloader_version",
        "profile_version",
    ),
    "battery": ("battery_capacity", "series_cells", "cells_detected"),
    "state": (
        "state_of_charge", "state_of_health", "pack_voltage", "pack_current", "cell_voltage_min", "cell_voltage_max",
        "temperature_internal", "temperature_external_1", "temperature_external_2",
    ),
    "protections": (
        "fully_charged_voltage", "fully_discharged_voltage", "over_voltage_cutoff", "under_voltage_cutoff",
        "discharge_over_current_cutoff", "discharge_over_current_timeout", "peak_discharge_current_cutoff",
        "charge_over_current_cutoff", "over_heat_cutoff", "low_temperature_charger_cutoff", "early_balancing_threshold",
        "allowed_disbalance", "charge_finished_current", "automatic_recovery",
    ),
}  # fmt: skip
LABELS = {"profile_version": "register map version", "series_cells": "cells set", "cells_detected": "cells detected"}


@dataclass(frozen=True)
class Fact:
    """One line; None: unknown."""

    value: int | float | str | None
    unit: str = ""
    text: str = ""
    """For people, when it is not just value and unit."""

    def __str__(self) -> str:
        if self.value is None:
            return UNKNOWN
        return self.text or f"{self.value} {self.unit}".rstrip()


Info = dict[str, dict[str, Fact]]


def info(client: BmsClient) -> Info:
    """Read everything that is shown; what the BMS refuses is unknown.

    Raises:
        LineError: the BMS does not answer.
    """
    return describe(client.read_all(map(span, registers()), leave_out_refused=True))


def describe(words: dict[int, int]) -> Info:
    """Section -> label -> fact.

    Args:
        words: registers that were read
    """
    for block in (VERSION, SERIAL_NUMBER):
        if all(words.get(address, 0) in (0, 0xFFFF) for address in block):
            words = {address: word for address, word in words.items() if address not in block}
    facts = {section: {_label(name): _fact(words, name) for name in names} for section, names in SECTIONS.items()}
    serial = "".join(f"{words[address]:04X}" for address in SERIAL_NUMBER if address in words)
    facts["device"] = {"model": _model(words), **facts["device"],
                       "serial number": Fact(serial or None)}  # fmt: skip
    cells = [words[address] for address in CELLS if words.get(address, 0) != 0]
    facts["battery"]["cells measured"] = Fact(len(cells) or None)
    difference = Decimal(max(cells) - min(cells)) / 10 if cells else None
    facts["state"] = {"status": _status(words), **facts["state"],
                      "cell difference": Fact(None if difference is None else float(difference), "mV"),
                      "lifetime": _lifetime(words)}  # fmt: skip
    return facts


def info_json(facts: Info) -> dict[str, Any]:
    """For programs; null = unknown."""
    return {
        section: {label.replace(" ", "_"): {"value": fact.value, "unit": fact.unit} for label, fact in lines.items()}
        for section, lines in facts.items()
    }


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))


def _raw(words: dict[int, int], name: str) -> int | float | None:
    entry = register(name)
    address, count = span(entry)
    if not all(address + i in words for i in range(count)):
        return None
    raw = table.raw_value(entry, [words[address + i] for i in range(count)])
    return raw if table.is_known(entry, raw) else None


def _fact(words: dict[int, int], name: str) -> Fact:
    entry, raw = register(name), _raw(words, name)
    if raw is None:
        return Fact(None, entry.unit)
    value = table.scaled(entry, raw)
    return Fact(table.json_number(value), entry.unit, table.with_unit(value, entry.unit))


def _model(words: dict[int, int]) -> Fact:
    power, sensor = _raw(words, "power_type"), _raw(words, "current_sensor")
    if power is None or sensor is None:
        return Fact(None)
    kind = SENSOR[int(sensor)] if sensor < len(SENSOR) else f"unknown ({sensor})"
    return Fact(f"TinyBMS, {POWER[int(power)]}, current sensor: {kind}")


def _status(words: dict[int, int]) -> Fact:
    raw = _raw(words, "online_status")
    return Fact(None if raw is None else table.STATUS_TEXT.get(int(raw)))


def _lifetime(words: dict[int, int]) -> Fact:
    raw = _raw(words, "lifetime")
    return Fact(None, "s") if raw is None else Fact(int(raw), "s", duration(int(raw)))


@click.command("info")
@on_line
@click.option("--json", "as_json", is_flag=True, help="Print JSON: section, name, value and unit; null = unknown.")
def info_command(bms: OpenBms, as_json: bool) -> None:
    """Show the identity and settings of the BMS, and the state of the battery.

    \b
    Examples:
      tinybms-gw bms info --port /dev/ttyUSB0
      tinybms-gw bms info --port /dev/ttyUSB0 --json | jq .state.pack_voltage.value
    """
    with bms() as client:
        facts = info(client)
    if as_json:
        print_json(info_json(facts))
        return
    for section, lines in facts.items():
        click.echo(section.upper())
        print_table("", "", rows=[[label, str(fact)] for label, fact in lines.items()])
