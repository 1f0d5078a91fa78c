"""``tinybms-gw gateway``: the native build of the gateway."""

import os
from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.completion import completer, serial_ports
from tinybms_gateway.gateway_process import arguments


@click.command("gateway")
@click.option("--uart", required=True, metavar="DEV", shell_complete=completer(serial_ports),
              help="Serial device of the TinyBMS.")  # fmt: skip
@click.option("--can", "backend", required=True, metavar="BACKEND",
              help="socketcand:PORT (be a CAN bus on 127.0.0.1:PORT; 0 = a free port), socketcan:INTERFACE, "
              "slcan:DEVICE or slcan:HOST:PORT (a CANable).")  # fmt: skip
@click.option("--http", metavar="HOST:PORT",
              help="Serve the web interface there, such as 127.0.0.1:8080; who reaches it can read it.")  # fmt: skip
@click.option("--web", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Directory with the files of the user interface.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Directory of the settings.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="Save a setting in --data, then start; repeatable.")  # fmt: skip
@click.option("--console", is_flag=True, help="Take commands from standard input; 'help' lists them.")
@click.option("--time-scale", type=float, help="Speed relative to real time.")
@click.option("--log-level", type=click.Choice(["none", "error", "warn", "info", "debug", "verbose"]), default="info",
              show_default=True, help="Least severe level of log lines to print.")  # fmt: skip
def gateway_command(
    uart: str,
    backend: str,
    http: str | None,
    web: Path | None,
    data: Path | None,
    settings: tuple[str, ...],
    console: bool,
    time_scale: float | None,
    log_level: str,
) -> None:
    """Run the gateway on this machine, building it if needed, until Ctrl-C.

    \b
    Examples:
      tinybms-gw gateway --uart /dev/ttyUSB0 --can socketcan:can0 --data /var/lib/tinybms
      tinybms-gw gateway --uart /tmp/bms --can socketcand:29536 --http 127.0.0.1:8080
    """
    extra = ["--log-level", log_level]
    for option, value in (("--http", http), ("--web", web)):
        if value is not None:
            extra += [option, str(value)]
    for assignment in settings:
        extra += ["--set", assignment]
    if console:
        extra.append("--console")
    if time_scale is not None:
        extra += ["--time-scale", str(time_scale)]
    with usage_errors():
        command = arguments(uart, backend, data, *extra)
        os.execv(command[0], command)
