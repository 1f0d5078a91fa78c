"""``tinybms-gw can capture``."""

from contextlib import nullcontext
from pathlib import Path

import click

from tinybms_gateway.command_line import Seconds, UsageProblem, lazy_imports, print_json, usage_errors
from tinybms_gateway.terminal import make_console

with lazy_imports():
    from tinybms_gateway.can import capture_statistics, capture_view, recorder, recording


@click.command("capture")
@click.option("--can", "backend", required=True, metavar="BUS",
              help="socketcand:PORT, socketcan:can0, slcan:/dev/ttyACM0, or any python-can NAME:CHANNEL.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE",
              help="File to write; .log (candump), .blf, .trc, .log.gz, .trc.gz.")  # fmt: skip
@click.option("--seconds", type=Seconds(), help="Stop after this time.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after this many frames.")
@click.option("--bitrate", type=click.IntRange(10_000, 1_000_000), default=500_000, show_default=True,
              help="Bit rate of the bus in bit/s, for adapters that need it and for the bus load.")  # fmt: skip
@click.option("--rotate-every", type=Seconds(), metavar="SECONDS", help="Start a new file after this time.")
@click.option("--rotate-size", type=click.FloatRange(min=0, min_open=True), metavar="MB",
              help="Start a new file when the current one reaches about this size.")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="With rotation: keep only the newest N files.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.option("--json", "as_json", is_flag=True, help="No table; print the result as JSON.")
def capture_command(
    backend: str,
    output: Path,
    seconds: float | None,
    count: int | None,
    bitrate: int,
    rotate_every: float | None,
    rotate_size: float | None,
    keep: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Record the bus to files.

    Recording stops on Ctrl-C or SIGTERM, or as the options say; the files are then complete. Received frames are on the
    disk within a second. With rotation, each file is named after FILE and its start time (UTC), such as
    bus_20261126T114500Z.log. On a terminal, a table shows each identifier.

    \b
    Examples:
      tinybms-gw can capture --can socketcan:can0 -o bus.log
      tinybms-gw can capture --can slcan:/dev/ttyACM0 -o bus.blf --seconds 60
      tinybms-gw can capture --can socketcan:can0 -o bus.log.gz --rotate-every 3600 --keep 168
    """
    rotation = recorder.Rotation(rotate_every, rotate_size, keep)
    if keep is not None and not rotation:
        raise UsageProblem("--keep needs --rotate-every or --rotate-size")
    job = recording.Job(backend, output, bitrate, seconds, count, rotation, force)
    seen = capture_statistics.Statistics()
    table = (
        nullcontext()
        if as_json
        else capture_view.shown(seen, f"{backend} -> {output}", bitrate, make_console(stderr=True))
    )
    with usage_errors(), table:
        recorded = recording.capture(job, seen)
    if as_json:
        print_json(recorded.as_json())
    else:
        click.echo(str(recorded))
