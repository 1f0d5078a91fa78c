"""The register table of the firmware against the real device and the documentation."""

import json
import re
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


def test_every_address_that_c_code_names_is_the_one_of_the_table(root: Path) -> None:
    header = (root / "components/tinybms/include/tinybms_addresses.h").read_text()
    named = re.findall(r"\bTINYBMS_REG_(\w+) = (\d+),", header)
    addresses = {register.name: register.address for register in registers.load_registers()}
    assert len(named) > 30
    assert {name: int(address) for name, address in named} == {name: addresses.get(name.lower()) for name, _ in named}


def test_no_other_file_says_the_address_of_a_register(root: Path) -> None:
    """Behind the table and the header: C code uses the names."""
    home = {"tinybms_addresses.h", "tinybms_register_table.c"}
    for file in (root / "components").glob("*/**/*.[ch]"):
        if file.name not in home and "generated" not in file.parts:
            defined = re.findall(r"^#define REG_\w+|^\s+REG_\w+ = \d+", file.read_text(), re.MULTILINE)
            assert defined == [], file


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
        assert (register.address, register.minimum, register.maximum) == (address, minimum, maximum), name
        assert register.access == "read/write", name
