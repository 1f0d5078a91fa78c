"""``tinybms-gw config``: build options and settings of the gateway."""

from pathlib import Path

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.generated import tree_options, write_or_check
from tinybms_gateway.options import usage_errors


@click.group("config", cls=CommandGroup)
def config_group() -> None:
    """Build options (Kconfig) and settings of the gateway."""


@config_group.command("docs")
@tree_options
def docs_command(check: bool, root: Path) -> None:
    """Write the tables of docs/configuration.md.

    They come from the Kconfig files, the table of settings and the partition table.

    \b
    Examples:
      tinybms-gw config docs
      tinybms-gw config docs --check
    """
    from tinybms_gateway.config.docs_impl import generate  # noqa: PLC0415 - keeps --help quick

    with usage_errors():
        write_or_check(root, generate(root), check)


@config_group.command("confirm")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, metavar="DIR",
              help="Where the gateway of this machine keeps its settings; it must not be running.")  # fmt: skip
def confirm_command(data: Path) -> None:
    """Confirm the settings of a gateway that has lost what was saved.

    Such a gateway holds the battery down: CVL is the float voltage, CCL a tenth, DCL ends at 20 % SOC. Look at its
    settings first (its program's --settings), put right what is missing (--set KEY=VALUE), then confirm.

    \b
    Examples:
      tinybms-gw config confirm --data /var/lib/tinybms
    """
    from tinybms_gateway.gateway.data_impl import confirm_settings  # noqa: PLC0415

    with usage_errors():
        click.echo(confirm_settings(data))
