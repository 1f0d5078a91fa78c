"""``tinybms-gw scenario check``."""

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.completion import completer, known_scenarios

with lazy_imports():
    from tinybms_gateway.scenario import find


@click.command("check")
@click.argument("files", metavar="NAME|FILE...", nargs=-1, required=True, shell_complete=completer(known_scenarios))
def check_command(files: tuple[str, ...]) -> None:
    """Check scenario files; exit 2 at the first invalid file.

    \b
    Examples:
      tinybms-gw scenario check my_bench/*.yaml
    """
    with usage_errors():
        for name in files:
            loaded = find.load_scenario(name)
            click.echo(f"{name}: good, {len(loaded.steps)} steps, {len(loaded.expect)} expectations")
