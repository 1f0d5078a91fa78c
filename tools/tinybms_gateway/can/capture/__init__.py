"""``tinybms-gw can capture``."""

from pathlib import Path

import click

from tinybms_gateway.options import Seconds, print_json, usage_errors


@click.command("capture")
@click.option("--can", "backend", required=True, metavar="BUS",
              help="socketcand:PORT, socketcan:can0, slcan:/dev/ttyACM0, ...")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE",
              help="File to write; .log (candump), .blf, .trc, .log.gz, .trc.gz.")  # fmt: skip
@click.option("--seconds", type=Seconds(), help="Stop after this time.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many frames.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def capture_command(backend: str, output: Path, seconds: float | None, count: int | None, as_json: bool) -> None:
    """Record the bus to a file until Ctrl-C, or as long as the options say.

    \b
    Examples:
      tinybms-gw can capture --can socketcan:can0 -o night.log.gz
      tinybms-gw can capture --can slcan:/dev/ttyACM0 -o start.blf --seconds 60
    """
    from tinybms_gateway.can.capture.capture_impl import capture  # noqa: PLC0415 - keeps --help quick
    from tinybms_gateway.terminal import make_console  # noqa: PLC0415

    with usage_errors(), make_console(stderr=True).status("recording") as status:
        frames = capture(backend, output, seconds, count, lambda n: status.update(f"{n} frames recorded"))
    if as_json:
        print_json({"file": str(output), "frames": frames})
    else:
        click.echo(f"{output}: {frames} frames")
