"""``tinybms-gw scenario docs``: sections of docs/testing/validation_plan.md, from the scenarios of the source tree."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.generated import replace_between, tree_options, write_or_check

with lazy_imports():
    from tinybms_gateway.scenario import find, texts

PAGE = Path("docs/testing/validation_plan.md")


def generate(root: Path) -> dict[Path, str]:
    """Make the page: the tree's page with new sections.

    Raises:
        OSError: a file of the tree cannot be read.
        ValueError: a scenario is invalid, there is none, or the page has no place for them.
    """
    scenarios = [find.read_scenario(path) for path in find.scenario_paths(root).values()]
    if not scenarios:
        raise ValueError(f"{root}: no scenarios; give the root of the source tree")
    lines: list[str] = []
    for scenario in scenarios:
        lines += [*texts.section(scenario), ""]
    page = (root / PAGE).read_text(encoding="utf-8")
    return {PAGE: replace_between(page, "scenarios", lines[:-1], PAGE)}


@click.command("docs")
@tree_options
def docs_command(check: bool, root: Path) -> None:
    """Write the sections of docs/testing/validation_plan.md from the scenarios.

    \b
    Examples:
      tinybms-gw scenario docs
      tinybms-gw scenario docs --check
    """
    with usage_errors():
        write_or_check(root, generate(root), check)
