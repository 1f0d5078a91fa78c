"""``tinybms-gw sim gx``: a GX on a CAN bus."""

import time

import click
from rich.live import Live

from tinybms_gateway.command_line import Seconds, lazy_imports, print_json, usage_errors
from tinybms_gateway.terminal import make_console

with lazy_imports():
    from tinybms_gateway.can import bus as can_bus
    from tinybms_gateway.sim.gx import model, simulator, view


@click.command("gx")
@click.option("--can", "backend", required=True, metavar="BUS",
              help="socketcand:PORT, socketcan:can0, slcan:/dev/ttyACM0, ...")  # fmt: skip
@click.option("--seconds", type=Seconds(), help="Stop after this time.")
@click.option("--listen-only", is_flag=True, help="Send no keepalive.")
@click.option("--json", "as_json", is_flag=True, help="No live view; print the result as JSON.")
def gx_command(backend: str, seconds: float | None, listen_only: bool, as_json: bool) -> None:
    """Simulate a GX: send its keepalive, apply its rules, show the battery.

    Shows the limits and alarms of the battery, and reports what a real GX would refuse or complain about. Exit status 1
    if there is anything of that kind, or if no battery was recognised.

    \b
    Examples:
      tinybms-gw sim gx --can socketcan:can0
      tinybms-gw sim gx --can slcan:/dev/ttyACM0 --seconds 30 --json
    """
    gx = model.GxModel(time.monotonic())
    with usage_errors(), can_bus.open_bus(backend) as bus:
        if as_json:
            simulator.run(bus, gx, seconds, keepalive=lambda: not listen_only)
        else:
            with Live(console=make_console(), refresh_per_second=4) as live:
                simulator.run(
                    bus,
                    gx,
                    seconds,
                    lambda g: live.update(view.render(g, time.monotonic())),
                    keepalive=lambda: not listen_only,
                )
    if as_json:
        print_json(gx.summary(time.monotonic()))
    raise SystemExit(0 if gx.recognised and not gx.complaints else 1)
