"""``tinybms-gw idf monitor``."""

from pathlib import Path

import click

from tinybms_gateway.idf.options import PassThrough, extra_argument, port_option, project_options, refuse_failure
from tinybms_gateway.options import Seconds, usage_errors


@click.command("monitor", cls=PassThrough)
@project_options
@port_option
@click.option("--baud", type=click.IntRange(min=1), metavar="N",
              help="Baud rate of the console. Default: that of the project, 115200.")  # fmt: skip
@click.option("--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Log with time stamps; sessions are added. Default: monitor.log in the project.")  # fmt: skip
@click.option("--no-reset", is_flag=True, help="Do not restart the chip at the beginning.")
@click.option("--seconds", type=Seconds(), metavar="S", help="End so long after the first output; for scripts.")
@extra_argument
def monitor_command(
    idf_path: Path | None,
    project_dir: Path | None,
    build_dir: Path | None,
    port: str | None,
    baud: int | None,
    log_file: Path | None,
    no_reset: bool,
    seconds: float | None,
    extra: tuple[str, ...],
) -> None:
    """Watch an ESP32 until Ctrl-], and keep what it says in monitor.log.

    Each line is logged with its time (UTC). The chip restarts at the beginning, so that its start is in the log. On
    a terminal this is idf.py's monitor with all its keys (Ctrl-T Ctrl-H lists them); without one the output is
    plain text, and Ctrl-C or --seconds ends it.

    \b
    Examples:
      tinybms-gw idf monitor
      tinybms-gw idf monitor --port /dev/ttyUSB0 --log site-12.log
      tinybms-gw idf monitor --seconds 60 --log first_minute.log < /dev/null
    """
    from tinybms_gateway.idf.monitor.monitor_impl import Watch, monitor  # noqa: PLC0415
    from tinybms_gateway.idf.ports import choose  # noqa: PLC0415
    from tinybms_gateway.idf.project import prepare  # noqa: PLC0415

    with usage_errors():
        idf = prepare(idf_path, project_dir, build_dir)
        device, how = choose(port)
        click.echo(f"port {device}, {how}", err=True)
        watch = Watch(device, log_file or idf.project / "monitor.log", baud, not no_reset, seconds)
        status = monitor(idf, watch, extra)
    refuse_failure("the monitor", status)
