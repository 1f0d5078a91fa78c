"""``tinybms-gw scenario``: what can happen to battery and GX, and what has to be seen on the CAN bus then."""

from pathlib import Path

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.completion.values import completer, known_scenarios
from tinybms_gateway.generated import tree_options, write_or_check
from tinybms_gateway.options import print_json, usage_errors


@click.group("scenario", cls=CommandGroup)
def scenario_group() -> None:
    """What happens to battery and GX, and what has to be seen on the CAN bus.

    They are YAML files (test/scenarios/*.yaml). 'sim bms' and 'demo' play them, 'can verify' checks a capture against
    them, and the validation plan (docs/testing/validation_plan.md) is made from them.
    """


@scenario_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print names, titles and durations as JSON.")
def list_command(as_json: bool) -> None:
    """Show the scenarios of the source tree, a line each.

    \b
    Examples:
      tinybms-gw scenario list
      tinybms-gw scenario list --json | jq -r '.[].name'
    """
    from tinybms_gateway.scenario.show_impl import all_scenarios, titles  # noqa: PLC0415 - keeps --help quick

    with usage_errors():
        if as_json:
            print_json(
                [{"name": s.name, "title": s.title, "duration_s": s.duration_s, "expectations": len(s.expect)}
                 for s in all_scenarios()]
            )  # fmt: skip
        else:
            click.echo(titles())


@scenario_group.command("show")
@click.argument("scenario", metavar="NAME|FILE", shell_complete=completer(known_scenarios))
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def show_command(scenario: str, as_json: bool) -> None:
    """Show a scenario: what happens when, what to do, what has to be seen.

    \b
    Examples:
      tinybms-gw scenario show overvoltage
      tinybms-gw scenario show my_bench/overvoltage_14s.yaml
    """
    from tinybms_gateway.scenario.find import load_scenario  # noqa: PLC0415 - keeps --help quick
    from tinybms_gateway.scenario.show_impl import section  # noqa: PLC0415

    with usage_errors():
        loaded = load_scenario(scenario)
    if as_json:
        print_json(loaded.model_dump(by_alias=True, exclude_none=True))
    else:
        click.echo("\n".join(section(loaded)))


@scenario_group.command("check")
@click.argument("files", metavar="NAME|FILE...", nargs=-1, required=True, shell_complete=completer(known_scenarios))
def check_command(files: tuple[str, ...]) -> None:
    """Say whether files are scenarios; exit status 2 for the first that is none.

    \b
    Examples:
      tinybms-gw scenario check my_bench/*.yaml
    """
    from tinybms_gateway.scenario.find import load_scenario  # noqa: PLC0415 - keeps --help quick

    with usage_errors():
        for name in files:
            loaded = load_scenario(name)
            click.echo(f"{name}: good, {len(loaded.steps)} steps, {len(loaded.expect)} expectations")


@scenario_group.command("docs")
@tree_options
def docs_command(check: bool, root: Path) -> None:
    """Write the sections of docs/testing/validation_plan.md from the scenarios.

    \b
    Examples:
      tinybms-gw scenario docs
      tinybms-gw scenario docs --check
    """
    from tinybms_gateway.scenario.docs_impl import generate  # noqa: PLC0415 - keeps --help quick

    with usage_errors():
        write_or_check(root, generate(root), check)
