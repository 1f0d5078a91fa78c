"""``tinybms-gw api log``: the newest lines of a gateway's log."""

import click

from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.foreign_text import printable


@click.command("log")
@of_gateway
def log_command(gateway: OpenGateway) -> None:
    """Print the newest 8 kB of the gateway's log.

    \b
    Examples:
      tinybms-gw api log --url http://192.168.1.20
    """
    with gateway() as opened:
        click.echo(printable(opened.text("/api/v1/log")), nl=False)
