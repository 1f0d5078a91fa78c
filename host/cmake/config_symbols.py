"""Refuses a CONFIG_ symbol that the requirements of a component do not bring.

On ESP-IDF the Kconfig of a component is there only when something requires it, so that such a symbol is missing in a
build of less than everything (test/chip). Usage: config_symbols.py UNITS HOST_KCONFIG STAMP

UNITS has a line of JSON for each component and Unity suite: name, where its Kconfig is, its sources, what it requires.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
USED = re.compile(r"\bCONFIG_(\w+)")
DEFINED = re.compile(r"^\s*(?:menu)?config (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Unit:
    """A component or a Unity suite."""

    name: str
    directory: Path
    sources: list[Path]
    requires: list[str]

    def defines(self) -> set[str]:
        """Symbols of its Kconfig."""
        return defined_in(self.directory / "Kconfig")


def defined_in(kconfig: Path) -> set[str]:
    """Symbols of a Kconfig file, none when there is no such file."""
    return set(DEFINED.findall(kconfig.read_text("utf-8"))) if kconfig.is_file() else set()


def read_units(path: Path) -> dict[str, Unit]:
    """The units of the build by their names."""
    units = {}
    for line in path.read_text("utf-8").splitlines():
        entry = json.loads(line)
        sources = [Path(source) for source in entry["sources"]]
        units[entry["name"]] = Unit(entry["name"], Path(entry["directory"]), sources, entry["requires"])
    return units


def brought(unit: Unit, units: dict[str, Unit]) -> set[str]:
    """Names of the unit and of everything that it requires, directly or through others."""
    found: set[str] = set()
    waiting = [unit.name]
    while waiting:
        name = waiting.pop()
        if name in units and name not in found:
            found.add(name)
            waiting += units[name].requires
    return found


def complaints(units: dict[str, Unit], common: set[str]) -> list[str]:
    """A line for each symbol that is used where nothing brings it."""
    owners = {symbol: unit.name for unit in units.values() for symbol in unit.defines()}
    lines = []
    for unit in units.values():
        names = brought(unit, units)
        for source in unit.sources:
            code = NOT_CODE.sub(lambda match: "\n" * match[0].count("\n"), source.read_text("utf-8"))
            for number, line in enumerate(code.splitlines(), 1):
                for symbol in USED.findall(line):
                    owner = owners.get(symbol)
                    if symbol in common or owner in names:
                        continue
                    why = f"is of {owner}, which {unit.name} does not require" if owner else "is in no Kconfig"
                    lines.append(f"{source}:{number}: error: CONFIG_{symbol} {why}")
    return lines


def main() -> int:
    """Checks all units; writes the stamp when nothing is wrong."""
    units, host_kconfig, stamp = (Path(argument) for argument in sys.argv[1:])
    wrong = complaints(read_units(units), defined_in(host_kconfig))
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
