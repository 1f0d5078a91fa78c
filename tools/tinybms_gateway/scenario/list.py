"""``tinybms-gw scenario list``."""

import click

from tinybms_gateway.command_line import lazy_imports, print_json, usage_errors

with lazy_imports():
    from tinybms_gateway.scenario import texts


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print names, titles and durations as JSON.")
def list_command(as_json: bool) -> None:
    """List the scenarios of the source tree, one per line.

    \b
    Examples:
      tinybms-gw scenario list
      tinybms-gw scenario list --json | jq -r '.[].name'
    """
    with usage_errors():
        if as_json:
            print_json(
                [{"name": s.name, "title": s.title, "duration_s": s.duration_s, "expectations": len(s.expect)}
                 for s in texts.all_scenarios()]
            )  # fmt: skip
        else:
            click.echo(texts.titles())
