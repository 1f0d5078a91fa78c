"""``tinybms-gw scenario show``."""

import click

from tinybms_gateway.command_line import lazy_imports, print_json, usage_errors
from tinybms_gateway.completion import completer, known_scenarios

with lazy_imports():
    from tinybms_gateway.scenario import find, texts


@click.command("show")
@click.argument("scenario", metavar="NAME|FILE", shell_complete=completer(known_scenarios))
@click.option("--json", "as_json", is_flag=True, help="Print the whole scenario as JSON.")
def show_command(scenario: str, as_json: bool) -> None:
    """Show a scenario: what happens when, what to do, what must be seen.

    \b
    Examples:
      tinybms-gw scenario show overvoltage
      tinybms-gw scenario show my_bench/overvoltage_14s.yaml
    """
    with usage_errors():
        loaded = find.load_scenario(scenario)
    if as_json:
        print_json(loaded.model_dump(by_alias=True, exclude_none=True))
    else:
        click.echo("\n".join(texts.section(loaded)))
