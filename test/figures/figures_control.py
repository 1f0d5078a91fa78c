"""What the control holds to: simulated days, silence on the wire, counters, properties."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support import ROOT
from support.instruments.figures import Figures
from support.instruments.silence import measure_silence
from tinybms_gateway.sim.system.record import figures as figures_of
from tinybms_gateway.sim.system.scenarios import SCENARIOS
from tinybms_gateway.sim.system.simulator import simulate

TESTS = {
    "properties": ("test/pure/test_control_properties.py", "properties of limits and alarms that hold"),
    "power_cut": ("test/pure/test_energy_log.py", "tests of the energy counters with power cuts that hold"),
    "settings": ("test/pure/test_settings_keep.py", "tests of 300 changes of settings with power cuts that hold"),
    "uptime": ("test/integration/test_uptime.py", "tests across 24.9 and 49.7 days of uptime that hold"),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENARIOS)
def test_simulated_days(figures: Figures, name: str) -> None:
    found = figures_of(simulate(SCENARIOS[name], name))
    full = name in ("week", "nmc")
    title = f"simulated, {name}"
    trips = found.over_voltage_trips + found.under_voltage_trips
    figures.add(f"system_{name}_trips", f"{title}, trips of the BMS (voltage)", trips, "",
                at_most=1 if name == "overvoltage" else 0)  # fmt: skip
    figures.add(f"system_{name}_highest", f"{title}, highest cell", found.highest_cell_v * 1000, "mV", detail=not full)
    figures.add(f"system_{name}_lowest", f"{title}, lowest cell", found.lowest_cell_v * 1000, "mV", detail=True)
    figures.add(f"system_{name}_soc", f"{title}, highest SOC of the worst day", min(found.soc_reached), "%",
                at_least=99.0 if full else None, detail=not full)  # fmt: skip
    figures.add(f"system_{name}_drain", f"{title}, battery into the grid", found.grid_discharge_a, "A",
                at_most=1.0 if full else None, detail=not full)  # fmt: skip
    figures.add(
        f"system_{name}_dark",
        f"{title}, house without power",
        found.dark_s,
        "s",
        at_most=None if name == "dusk" else 0,
        detail=True,
    )  # off grid an empty battery leaves it dark
    if name == "week":
        figures.add("system_week_absorption", f"{title}, absorption of the worst day", min(found.absorption_s), "s",
                    at_least=1)  # fmt: skip
        figures.add("system_week_cvl_gap", f"{title}, CVL unchanged before it is raised", found.cvl_least_gap_s, "s",
                    at_least=20)  # fmt: skip


@pytest.mark.parametrize(("name", "title", "options"), [
    ("silence", "BMS silent", ()),
    ("silence_wrap", "BMS silent across 49.7 days of uptime", ("--start-uptime-ms", str(2**32 - 4000))),
])  # fmt: skip
def test_stages_of_silence(figures: Figures, name: str, title: str, options: tuple[str, ...]) -> None:
    seen = measure_silence(*options)
    for stage, what, value in (("stopped", "CCL 0", seen.stopped_s), ("warned", "warning", seen.warned_s)):
        figures.add(f"{name}_{stage}", f"{title}, until {what}", value, "s", at_least=2.7, at_most=3.3)
    figures.add(f"{name}_last", f"{title}, until the last frame", seen.last_s, "s", at_least=8.7, at_most=10.3)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TESTS)
def test_what_else_holds(figures: Figures, name: str, tmp_path: Path) -> None:
    file, title = TESTS[name]
    report = tmp_path / "report.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", file], cwd=ROOT, check=False,
                   capture_output=True, env=os.environ | {"TINYBMS_SETTING_CHANGES": "300"})  # fmt: skip
    suite = ElementTree.parse(report).getroot()[0]
    count = {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
    broken = count["failures"] + count["errors"] + count["skipped"]
    figures.add(f"control_{name}", title, count["tests"] - broken, "", at_least=count["tests"])
