"""``tinybms-gw bms forget-sensor``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.gateway_data import forget_sensor


@click.command("forget-sensor")
@click.argument("sensor", type=click.IntRange(1, 2))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, metavar="DIR",
              help="Settings directory of the gateway on this machine, which must not be running.")  # fmt: skip
def forget_sensor_command(sensor: int, data: Path) -> None:
    """Make the gateway forget a temperature sensor that was removed.

    The gateway remembers each external temperature sensor of the BMS that it has seen, and does not charge while one of
    them is missing. A sensor that is still connected is detected again.

    \b
    Examples:
      tinybms-gw bms forget-sensor 2 --data /var/lib/tinybms
    """
    with usage_errors():
        click.echo(forget_sensor(data, sensor))
