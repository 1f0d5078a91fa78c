"""``tinybms-gw config``: build options and settings of the gateway."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "config",
    cls=LazyGroup,
    paths={
        "docs": "tinybms_gateway.config.docs:docs_command",
        "pull": "tinybms_gateway.config.pull:pull_command",
        "push": "tinybms_gateway.config.push:push_command",
        "diff": "tinybms_gateway.config.diff:diff_command",
        "confirm": "tinybms_gateway.config.confirm:confirm_command",
    },
)
def config_group() -> None:
    """Build options (Kconfig) and settings of the gateway."""
