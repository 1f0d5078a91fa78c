"""``tinybms-gw can``: record and decode CAN traffic, make the C codec."""

from pathlib import Path

import click

from tinybms_gateway.generated import write_or_check
from tinybms_gateway.options import Seconds, print_json, usage_errors


@click.group("can")
def can_group() -> None:
    """Record and decode CAN traffic by our DBC."""


@can_group.command("capture")
@click.option("--can", "backend", required=True, metavar="BUS",
              help="socketcand:PORT, socketcan:can0, slcan:/dev/ttyACM0, ...")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE",
              help="File to write; .log (candump), .blf, .trc, .log.gz, .trc.gz.")  # fmt: skip
@click.option("--seconds", type=Seconds(), help="Stop after this time.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many frames.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def capture_command(backend: str, output: Path, seconds: float | None, count: int | None, as_json: bool) -> None:
    """Record the bus to a file until Ctrl-C, or as long as the options say."""
    from rich.console import Console  # noqa: PLC0415 - keeps --help quick

    from tinybms_gateway.can.capture_impl import capture  # noqa: PLC0415

    with usage_errors(), Console(stderr=True).status("recording") as status:
        frames = capture(backend, output, seconds, count, lambda n: status.update(f"{n} frames recorded"))
    if as_json:
        print_json({"file": str(output), "frames": frames})
    else:
        click.echo(f"{output}: {frames} frames")


@can_group.command("decode")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a frame, a line each.")
@click.option("--id", "only", multiple=True, metavar="HEX", help="Only frames with this identifier; may be repeated.")
def decode_command(capture: Path, as_json: bool, only: tuple[str, ...]) -> None:
    """Show what the frames of a capture file say.

    Exit status 1 when the file holds frames that this protocol does not know or that are malformed.
    """
    import json  # noqa: PLC0415

    from tinybms_gateway.can.decode_impl import read_capture  # noqa: PLC0415

    problems = 0
    with usage_errors():
        try:
            wanted = {int(text, 16) for text in only}
        except ValueError:
            raise ValueError(f"--id {' '.join(only)}: give identifiers in hexadecimal, such as 351") from None
        for frame in read_capture(capture):
            if wanted and frame.id not in wanted:
                continue
            problems += bool(frame.problem)
            click.echo(json.dumps(frame.as_json()) if as_json else str(frame))
    if problems:
        click.echo(f"{problems} frames could not be decoded", err=True)
        raise SystemExit(1)


@can_group.command("codec")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
              show_default="present directory", help="Root of the source tree.")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 when something is out of date.")
def codec_command(root: Path, check: bool) -> None:
    """Make from the DBC what is made from it: the C codec and the signal summary."""
    from tinybms_gateway.can import codec_impl  # noqa: PLC0415

    with usage_errors():
        write_or_check(root, codec_impl.generate(), check)
