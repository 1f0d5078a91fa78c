"""``tinybms-gw idf erase``."""

import sys
from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.idf.child import no_copy, run_live
from tinybms_gateway.idf.options import PassThrough, extra_argument, port_option, project_options, refuse_failure
from tinybms_gateway.idf.ports import choose
from tinybms_gateway.idf.project import prepare

LOST = "the firmware, all settings (with passwords and Wi-Fi), the energy counters, the history and the core dump"


@click.command("erase", cls=PassThrough)
@project_options
@port_option
@click.option("--baud", type=click.IntRange(min=1), envvar="ESPBAUD", show_envvar=True, metavar="N", help="Baud rate.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts. Needs --port.")
@extra_argument
def erase_command(
    idf_path: Path | None,
    project_dir: Path | None,
    build_dir: Path | None,
    port: str | None,
    baud: int | None,
    yes: bool,
    extra: tuple[str, ...],
) -> None:
    """Erase the whole flash of an ESP32 (idf.py erase-flash), after you confirm.

    This erases not only the firmware, but also settings, energy counters and history. The board does nothing until it
    is flashed again. To update the firmware of a gateway, 'tinybms-gw idf flash' is enough.

    \b
    Examples:
      tinybms-gw idf erase
      tinybms-gw idf erase --port /dev/ttyUSB0 --yes
    """
    with usage_errors():
        if not yes and not sys.stdin.isatty():
            raise ValueError("no terminal to ask on; nothing was erased: give --yes to confirm in advance")
        if yes and port is None:
            raise ValueError("--yes does not ask whether it is the right board; nothing was erased: give --port too")
        idf = prepare(idf_path, project_dir, build_dir)
        device, how = choose(port)
    click.echo(f"port {device}, {how}", err=True)
    click.echo(f"this erases {LOST}", err=True)
    if not yes and not click.confirm(f"erase everything on {device}?", err=True):
        raise click.ClickException("nothing was erased")
    with usage_errors():
        command = idf.command("erase-flash", before=("-p", device), extra=extra)
        status = run_live(command, idf.project, idf.variables_for_port(baud), no_copy)
    refuse_failure("erasing", status)
