"""The register table of the firmware against the real device and the documentation."""

import json
from pathlib import Path

from tinybms_gateway.bms import registers
from tinybms_gateway.generated import outdated


def test_the_documentation_is_what_the_table_says(root: Path) -> None:
    assert outdated(root, registers.generate()) == []


def test_every_register_that_a_real_device_showed_is_in_the_table(real_dump: Path) -> None:
    known = set()
    for register in registers.load_registers():
        known |= {register.address, register.address + (register.type in ("u32", "float32"))}
    shown = {int(address) for address in json.loads(real_dump.read_text())["registers"]}
    events = set(range(200, 298))
    assert shown - known - events == set()


def test_settings_have_the_ranges_of_the_protocol() -> None:
    by_name = {r.name: r for r in registers.load_registers()}
    for name, address, minimum, maximum in (
        ("fully_charged_voltage", 300, 1200, 4500),
        ("fully_discharged_voltage", 301, 1000, 3500),
        ("charge_finished_current", 304, 100, 5000),
        ("battery_capacity", 306, 10, 65500),
        ("series_cells", 307, 4, 16),
        ("pulses_per_unit", 312, 1, 100000),
        ("over_voltage_cutoff", 315, 1200, 4500),
        ("under_voltage_cutoff", 316, 800, 3500),
        ("discharge_over_current_cutoff", 317, 1, 750),
        ("over_heat_cutoff", 319, 20, 90),
        ("low_temperature_charger_cutoff", 320, -40, 10),
        ("charge_restart_level", 321, 60, 95),
        ("state_of_charge_set", 328, 0, 50000),
        ("precharge_duration", 338, 0, 7),
    ):
        register = by_name[name]
        assert (register.address, register.minimum, register.maximum) == (address, minimum, maximum)
        assert register.access == "read/write"
