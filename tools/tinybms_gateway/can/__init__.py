"""``tinybms-gw can``: record, read, check and plot CAN traffic with our DBC."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "can",
    cls=LazyGroup,
    paths={
        "capture": "tinybms_gateway.can.capture:capture_command",
        "decode": "tinybms_gateway.can.decode:decode_command",
        "verify": "tinybms_gateway.can.verify:verify_command",
        "convert": "tinybms_gateway.can.convert:convert_command",
        "plot": "tinybms_gateway.can.plot:plot_command",
        "codec": "tinybms_gateway.can.codec:codec_command",
        "verify-docs": "tinybms_gateway.can.verify_docs:verify_docs_command",
    },
)
def can_group() -> None:
    """Record, read, check and plot CAN traffic with our DBC."""
