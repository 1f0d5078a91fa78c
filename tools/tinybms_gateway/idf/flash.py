"""``tinybms-gw idf flash``: runs ``idf.py flash``, and the monitor after it."""

from pathlib import Path

import click

from tinybms_gateway.command_line import Seconds, usage_errors
from tinybms_gateway.idf.build_log import kept
from tinybms_gateway.idf.child import run_live
from tinybms_gateway.idf.monitor import Watch, monitor
from tinybms_gateway.idf.options import PassThrough, extra_argument, port_option, project_options, refuse_failure
from tinybms_gateway.idf.ports import choose
from tinybms_gateway.idf.project import Idf, prepare


def flash(idf: Idf, port: str, baud: int | None, extra: tuple[str, ...]) -> int:
    """Build if needed, and flash; returns idf.py's exit status. Its output is kept like that of a build.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    command = idf.command("flash", before=("-p", port), extra=extra)
    with kept(idf, command) as build_log:
        build_log.status = run_live(command, idf.project, idf.variables_for_port(baud), build_log.stream)
        return build_log.status


@click.command("flash", cls=PassThrough)
@project_options
@port_option
@click.option("--baud", type=click.IntRange(min=1), envvar="ESPBAUD", show_envvar=True, metavar="N",
              help="Baud rate for flashing. Default: that of idf.py, 460800.")  # fmt: skip
@click.option("--monitor", "then_monitor", is_flag=True,
              help="Then watch the chip, as 'tinybms-gw idf monitor' does.")  # fmt: skip
@click.option("--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="With --monitor: log file. Default: monitor.log in the project.")  # fmt: skip
@click.option("--seconds", type=Seconds(), metavar="S", help="With --monitor: stop this long after its first output.")
@extra_argument
def flash_command(
    idf_path: Path | None,
    project_dir: Path | None,
    build_dir: Path | None,
    port: str | None,
    baud: int | None,
    then_monitor: bool,
    log_file: Path | None,
    seconds: float | None,
    extra: tuple[str, ...],
) -> None:
    """Build if needed, and flash an ESP32 over its cable.

    Bootloader, partition table and application are written; settings and energy counters stay. Unknown options are
    passed to idf.py. Exit status 1 if it fails, 2 if the port is missing, not permitted or in use.

    \b
    Examples:
      tinybms-gw idf flash
      tinybms-gw idf flash --port /dev/ttyUSB0 --baud 460800
      tinybms-gw idf flash --monitor
    """
    with usage_errors():
        if not then_monitor and (log_file is not None or seconds is not None):
            raise ValueError("--log and --seconds need --monitor")
        idf = prepare(idf_path, project_dir, build_dir)
        device, how = choose(port)
        click.echo(f"port {device}, {how}", err=True)
        status = flash(idf, device, baud, extra)
    refuse_failure("flashing", status)
    if then_monitor:
        with usage_errors():
            status = monitor(idf, Watch(device, log_file or idf.project / "monitor.log", seconds=seconds))
        refuse_failure("the monitor", status)
