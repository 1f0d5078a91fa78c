"""``tinybms-gw idf monitor``: runs idf.py's on a pseudo terminal, which it needs, and keeps its output."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from tinybms_gateway.command_line import Seconds, until_interrupted, usage_errors
from tinybms_gateway.idf.build_log import project_version, utc_now
from tinybms_gateway.idf.child import Sink, run_on_terminal
from tinybms_gateway.idf.lines import Lines
from tinybms_gateway.idf.options import PassThrough, extra_argument, port_option, project_options, refuse_failure
from tinybms_gateway.idf.ports import choose
from tinybms_gateway.idf.project import Idf, prepare
from tinybms_gateway.idf.stamped_log import StampedLog

EXIT_KEY = b"\x1d"
"""Ctrl-], which ends esp-idf-monitor unless it is configured otherwise."""


@dataclass(frozen=True)
class Watch:
    """What to watch, and how."""

    port: str
    log: Path
    baud: int | None = None
    reset: bool = True
    seconds: float | None = None


def monitor(idf: Idf, watch: Watch, extra: tuple[str, ...] = ()) -> int:
    """Watch until the user ends it; returns idf.py's exit status.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    options = ["--no-reset"] if not watch.reset else []
    if watch.baud is not None:
        options += ["--monitor-baud", str(watch.baud)]
    command = idf.command("monitor", *options, before=("-p", watch.port), extra=extra)
    header = [
        f"monitor of {watch.port}, {utc_now()}",
        f"ESP-IDF {idf.installation.described()}; this tree: {project_version(idf.project)}; the chip: see below",
    ]
    with StampedLog(watch.log, header) as log:
        click.echo(f"log: {watch.log}", err=True)
        # Without a keyboard, Ctrl-C is a normal end; with one it is a key like any other, and goes to the monitor.
        with until_interrupted():
            return run_on_terminal(
                command,
                idf.project,
                idf.variables_for_port(),
                log.feed,
                show=_screen(),
                last_word=EXIT_KEY,
                seconds=watch.seconds,
            )
    return 0


def _screen() -> Sink:
    """Where output goes for the user: as it is to a terminal, else as plain lines."""
    stream = sys.stdout.buffer
    lines = Lines()

    def raw(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    def plain(data: bytes) -> None:
        raw("".join(line + "\n" for line in lines.feed(data)).encode())

    return raw if sys.stdout.isatty() else plain


@click.command("monitor", cls=PassThrough)
@project_options
@port_option
@click.option("--baud", type=click.IntRange(min=1), metavar="N",
              help="Baud rate of the console. Default: that of the project, 115200.")  # fmt: skip
@click.option("--log", "log_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Log file with time stamps, appended to. Default: monitor.log in the project.")  # fmt: skip
@click.option("--no-reset", is_flag=True, help="Do not restart the chip at the start.")
@click.option("--seconds", type=Seconds(), metavar="S", help="Stop this long after the first output; for scripts.")
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
    """Watch an ESP32 until Ctrl-], and log its output in monitor.log.

    Each line is logged with its time (UTC). The chip is restarted first, so that its start is in the log. On a terminal
    this is idf.py's monitor with all its keys (Ctrl-T Ctrl-H lists them); otherwise the output is plain text, and
    Ctrl-C or --seconds ends it.

    \b
    Examples:
      tinybms-gw idf monitor
      tinybms-gw idf monitor --port /dev/ttyUSB0 --log site-12.log
      tinybms-gw idf monitor --seconds 60 --log first_minute.log < /dev/null
    """
    with usage_errors():
        idf = prepare(idf_path, project_dir, build_dir)
        device, how = choose(port)
        click.echo(f"port {device}, {how}", err=True)
        watch = Watch(device, log_file or idf.project / "monitor.log", baud, not no_reset, seconds)
        status = monitor(idf, watch, extra)
    refuse_failure("the monitor", status)
