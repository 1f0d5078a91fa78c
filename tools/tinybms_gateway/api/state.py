"""``tinybms-gw api state``: the battery at a glance."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("state", "/api/v1/state")
def state_command(answer: dict[str, Any]) -> None:
    """Show the battery: measurements, limits with their reasons, alarms, energy.

    \b
    Examples:
      tinybms-gw api state --url http://192.168.1.20
      tinybms-gw api state --url http://192.168.1.20 --json | jq .ccl_ma
    """
    view.print_facts(
        answer, "status", "publishing", "age_ms", "pack_voltage_mv", "pack_current_ma", "soc_ppm", "soh_ppm",
        "cvl_mv", "ccl_ma", "dcl_ma", "dvl_mv", "alarms", "warnings", "faults",
        "cell_count", "cell_min_mv", "cell_min_number", "cell_max_mv", "cell_max_number",
        "sensor_1_ddegc", "sensor_2_ddegc", "bms_temperature_ddegc",
        "energy_in_wh", "energy_out_wh", "cycles_milli", "time_to_full_min", "time_to_empty_min",
        "installed_capacity_mah", "usable_capacity_mah",
    )  # fmt: skip
