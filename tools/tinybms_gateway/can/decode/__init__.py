"""``tinybms-gw can decode``."""

from pathlib import Path

import click

from tinybms_gateway.options import usage_errors


@click.command("decode")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a frame, a line each.")
@click.option("--id", "only", multiple=True, metavar="HEX", help="Only frames with this identifier; may be repeated.")
def decode_command(capture: Path, as_json: bool, only: tuple[str, ...]) -> None:
    """Show what the frames of a capture file say.

    Exit status 1 when the file holds frames that this protocol does not know or that are malformed.

    \b
    Examples:
      tinybms-gw can decode night.log
      tinybms-gw can decode night.log.gz --id 351 --id 35A
      tinybms-gw can decode night.blf --json | jq .signals.CVL.value
    """
    import json  # noqa: PLC0415

    from tinybms_gateway.can.frame import read_capture  # noqa: PLC0415

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
