"""``tinybms-gw can``: record, read, check and show CAN traffic by our DBC."""

import click

from tinybms_gateway.can.capture import capture_command
from tinybms_gateway.can.codec import codec_command
from tinybms_gateway.can.convert import convert_command
from tinybms_gateway.can.decode import decode_command
from tinybms_gateway.can.plot import plot_command
from tinybms_gateway.can.verify import verify_command, verify_docs_command
from tinybms_gateway.command_group import CommandGroup


@click.group("can", cls=CommandGroup)
def can_group() -> None:
    """Record, read, check and show CAN traffic by our DBC."""


for command in (
    capture_command,
    decode_command,
    verify_command,
    convert_command,
    plot_command,
    codec_command,
    verify_docs_command,
):
    can_group.add_command(command)
