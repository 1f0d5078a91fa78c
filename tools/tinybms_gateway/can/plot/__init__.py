"""``tinybms-gw can plot``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.progress import progress_bar

with lazy_imports():
    from tinybms_gateway.can.plot import capture_picture, story


@click.command("plot")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT.png",
              help="Picture to write: .png, .svg or .pdf; overwritten if it exists.")  # fmt: skip
@click.option("--signal", "signals", multiple=True, metavar="NAME", help="Plot this signal; repeatable.")
@click.option("--from", "from_s", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS",
              help="Start this many seconds after the first frame.")  # fmt: skip
@click.option("--to", "to_s", type=click.FloatRange(min=0), metavar="SECONDS",
              help="End this many seconds after the first frame.")  # fmt: skip
@click.option("--seconds", is_flag=True, help="Time axis in seconds since the first frame, not in local time.")
def plot_command(
    capture: Path, output: Path, signals: tuple[str, ...], from_s: float, to_s: float | None, seconds: bool
) -> None:
    """Plot a capture as a picture.

    SOC, voltage and current with their limits, cells, temperatures, alarms and warnings over time. Times without 0x351
    (after 3 s the GX stops the system) or without the GX keepalive are shaded. A long capture is reduced to the
    extremes of each interval, so no peak is lost. docs/reference/victron_pgn_signal_summary.md lists the signals.

    \b
    Examples:
      tinybms-gw can plot bus.log -o bus.png
      tinybms-gw can plot bus.blf -o minute.svg --from 600 --to 660
      tinybms-gw can plot bus.log -o limits.png --signal CCL --signal DCL --signal Current
    """
    with usage_errors(), progress_bar(capture.name, 1.0) as progress:
        window = story.Window(from_s, to_s)
        drawn = capture_picture.plot(capture, output, signals, window, seconds=seconds, progress=progress)
    click.echo(f"{output}: {drawn.frames} frames, {drawn.end_us / 1e6:.1f} s")
