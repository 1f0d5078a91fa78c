"""``tinybms-gw config confirm``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.gateway_data import confirm_settings


@click.command("confirm")
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
    with usage_errors():
        click.echo(confirm_settings(data))
