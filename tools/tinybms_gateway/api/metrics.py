"""``tinybms-gw api metrics``: what Prometheus gets."""

import click

from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.foreign_text import printable


@click.command("metrics")
@of_gateway
def metrics_command(gateway: OpenGateway) -> None:
    """Print the metrics in the text format of Prometheus.

    \b
    Examples:
      tinybms-gw api metrics --url http://192.168.1.20
    """
    with gateway() as opened:
        click.echo(printable(opened.text("/metrics")), nl=False)
