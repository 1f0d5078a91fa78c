"""``tinybms-gw scenario check``."""

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.completion import completer, known_scenarios

with lazy_imports():
    from tinybms_gateway.scenario import find


@click.command("check")
@click.argument("files", metavar="NAME|FILE...", nargs=-1, required=True, shell_complete=completer(known_scenarios))
def check_command(files: tuple[str, ...]) -> None:
    """Say whether files are scenarios; exit status 2 for the first that is none.

    \b
    Examples:
      tinybms-gw scenario check my_bench/*.yaml
    """
    with usage_errors():
        for name in files:
            loaded = find.load_scenario(name)
            click.echo(f"{name}: good, {len(loaded.steps)} steps, {len(loaded.expect)} expectations")
