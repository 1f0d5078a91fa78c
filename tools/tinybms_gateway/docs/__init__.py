"""``tinybms-gw docs``: pages of the documentation that are generated from the tools."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group("docs", cls=LazyGroup, paths={"cli": "tinybms_gateway.docs.cli:cli_command"})
def docs_group() -> None:
    """Generate pages of the documentation from the tools."""
