"""``tinybms-gw can decode``."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, usage_errors
from tinybms_gateway.progress import progress_bar

with lazy_imports():
    from tinybms_gateway.can import database, frame_texts, reader


@click.command("decode")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per frame, each on a line.")
@click.option("--id", "ids", multiple=True, metavar="HEX", help="Show only frames with this identifier; repeatable.")
@click.option(
    "--signal", "signals", multiple=True, metavar="NAME", help="Show only this signal of the DBC; repeatable."
)
@click.option("--dbc", type=click.Path(path_type=Path), metavar="FILE", help="Use this DBC instead of ours.")
def decode_command(
    capture: Path, as_json: bool, ids: tuple[str, ...], signals: tuple[str, ...], dbc: Path | None
) -> None:
    """Decode the frames of a capture file, one per line.

    The file name gives the format: .log (candump -L), .blf, .trc, .asc, .mf4, .csv (python-can's), each also compressed
    (.gz).

    Exit status 1 if selected frames are malformed or not of this protocol, 2 if the file cannot be read or is empty.

    \b
    Examples:
      tinybms-gw can decode site.log
      tinybms-gw can decode site.blf --id 351 --id 356
      tinybms-gw can decode site.log.gz --signal SOC --signal Current
      tinybms-gw can decode other-bus.trc --dbc other.dbc
      tinybms-gw can decode site.log --json | jq -c 'select(.name == "BatteryAlarms") | .signals'
    """
    with usage_errors():
        other = database.load_other_database(dbc) if dbc is not None else None
        texts = frame_texts.FrameTexts(frame_texts.select(ids, signals, other), as_json, other)
        source = reader.Capture(capture, frame_texts.BLOCK_FRAMES)
        with nullcontext(lambda _: None) if sys.stdout.isatty() else progress_bar("decoding", 1.0) as done:
            for block in source:
                if lines := list(texts.lines(block)):
                    click.echo("\n".join(lines))
                done(source.part)
    if not source.frames:
        raise UsageProblem(f"{capture}: no frames in it")
    if not texts.shown:
        click.echo(f"none of the {source.frames} frames matches the selection", err=True)
    if texts.problems:
        click.echo(f"{texts.problems} frames could not be decoded", err=True)
        raise SystemExit(1)
