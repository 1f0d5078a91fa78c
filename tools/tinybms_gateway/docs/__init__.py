"""``tinybms-gw docs``: pages of the documentation that are made from the tools."""

from pathlib import Path

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.generated import tree_options, write_or_check
from tinybms_gateway.options import usage_errors


@click.group("docs", cls=CommandGroup)
def docs_group() -> None:
    """Make pages of the documentation from the tools."""


@docs_group.command("cli")
@tree_options
@click.pass_context
def cli_command(context: click.Context, check: bool, root: Path) -> None:
    """Write docs/cli.md, the reference of all commands.

    \b
    Examples:
      tinybms-gw docs cli
      tinybms-gw docs cli --check
    """
    from tinybms_gateway.docs.cli_impl import generate  # noqa: PLC0415 - keeps --help quick

    with usage_errors():
        write_or_check(root, generate(context.find_root().command), check)
