"""The scenarios of the source tree in a line each."""

from tinybms_gateway.scenario.find import read_scenario, scenario_paths
from tinybms_gateway.scenario.model import Scenario


def all_scenarios() -> list[Scenario]:
    """Those of the source tree.

    Raises:
        ValueError: one of them is none; says where.
    """
    return [read_scenario(path) for path in scenario_paths().values()]


def titles() -> str:
    """Name and title of each.

    Raises:
        ValueError: as for `all_scenarios`.
    """
    return "\n".join(f"{scenario.name:16} {scenario.title}" for scenario in all_scenarios())
