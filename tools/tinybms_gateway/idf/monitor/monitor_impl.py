"""Runs ``idf.py monitor`` on a pseudo terminal, since it refuses to run without one, and keeps its output."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from tinybms_gateway.idf.build_log import project_version, utc_now
from tinybms_gateway.idf.child import Sink, run_on_terminal
from tinybms_gateway.idf.lines import Lines
from tinybms_gateway.idf.monitor.stamped_log import StampedLog
from tinybms_gateway.idf.project import Idf
from tinybms_gateway.signals import until_interrupted

EXIT_KEY = b"\x1d"
"""Ctrl-], by which esp-idf-monitor ends unless it is configured otherwise."""


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
        # Without a keyboard Ctrl-C is a good end; with one it is a key like any other, and goes to the monitor.
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
