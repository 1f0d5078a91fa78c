"""``tinybms-gw bms``: a TinyBMS on a serial port, and what is known about its registers."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "bms",
    cls=LazyGroup,
    paths={
        "info": "tinybms_gateway.bms.info:info_command",
        "read": "tinybms_gateway.bms.read:read_command",
        "write": "tinybms_gateway.bms.write:write_command",
        "reset": "tinybms_gateway.bms.reset:reset_command",
        "events": "tinybms_gateway.bms.events:events_command",
        "monitor": "tinybms_gateway.bms.monitor:monitor_command",
        "forget-sensor": "tinybms_gateway.bms.forget_sensor:forget_sensor_command",
        "registers": "tinybms_gateway.bms.registers:registers_command",
    },
)
def bms_group() -> None:
    """Talk to a TinyBMS on a serial port, such as a USB-TTL adapter.

    Exit status: 0 success; 1 the BMS does not answer, or did not carry out a request; 2 something to fix.
    """
