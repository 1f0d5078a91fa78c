"""``tinybms-gw sim``: simulators of the devices around the gateway."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "sim",
    cls=LazyGroup,
    paths={
        "bms": "tinybms_gateway.sim.bms:bms_command",
        "gx": "tinybms_gateway.sim.gx:gx_command",
        "system": "tinybms_gateway.sim.system:system_command",
        "set": "tinybms_gateway.sim.set:set_command",
    },
)
def sim_group() -> None:
    """Simulate the devices around the gateway."""
