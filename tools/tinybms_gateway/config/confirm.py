"""``tinybms-gw config confirm``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.gateway_data import confirm_settings


@click.command("confirm")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, metavar="DIR",
              help="Settings directory of the gateway on this machine, which must not be running.")  # fmt: skip
def confirm_command(data: Path) -> None:
    """Confirm the settings of a gateway that has lost saved settings.

    Until then the gateway limits the battery: CVL is the float voltage, CCL a tenth, and DCL ends at 20 % SOC. First
    check its settings (the program's --settings), restore what is missing (--set KEY=VALUE), then confirm.

    \b
    Examples:
      tinybms-gw config confirm --data /var/lib/tinybms
    """
    with usage_errors():
        click.echo(confirm_settings(data))
