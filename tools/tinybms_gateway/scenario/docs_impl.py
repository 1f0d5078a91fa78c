"""The sections of docs/testing/validation_plan.md, from the scenarios of the source tree."""

from pathlib import Path

from tinybms_gateway.generated import replace_between
from tinybms_gateway.scenario.find import read_scenario, scenario_paths
from tinybms_gateway.scenario.show_impl import section

PAGE = Path("docs/testing/validation_plan.md")


def generate(root: Path) -> dict[Path, str]:
    """Make the page: the text of the tree's page with its sections made anew.

    Raises:
        OSError: a file of the tree cannot be read.
        ValueError: a scenario is none, there is none, or the page lacks the place for them.
    """
    scenarios = [read_scenario(path) for path in scenario_paths(root).values()]
    if not scenarios:
        raise ValueError(f"{root}: no scenarios; give the root of the source tree")
    lines: list[str] = []
    for scenario in scenarios:
        lines += [*section(scenario), ""]
    page = (root / PAGE).read_text(encoding="utf-8")
    return {PAGE: replace_between(page, "scenarios", lines[:-1], PAGE)}
