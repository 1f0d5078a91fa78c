"""``tinybms-gw can convert``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json, usage_errors
from tinybms_gateway.progress import progress_bar

with lazy_imports():
    from tinybms_gateway.can.convert import conversion, dataset


@click.command("convert")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CAPTURE... [OUT]")
@click.option("--parquet", "directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Instead, add the captures to this dataset of decoded signals, by site and day.")  # fmt: skip
@click.option("--site", metavar="NAME", help="Site of the captures, for --parquet; default: unknown.")
@click.option("--start", metavar="TIME",
              help="Start time of a capture without a clock (.asc), such as 2026-11-26T12:00:00+01:00.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def convert_command(
    paths: tuple[Path, ...], directory: Path | None, site: str | None, start: str | None, force: bool, as_json: bool
) -> None:
    """Convert captures to another format, or their decoded signals to Parquet.

    The file name gives the format: .log (candump), .blf, .trc, .asc, .csv, .mf4, with .gz after the text formats; OUT
    may also be .parquet. What OUT cannot keep is listed on stderr. With --parquet, all arguments are captures;
    converting one again adds nothing.

    \b
    Examples:
      tinybms-gw can convert bus.log bus.blf
      tinybms-gw can convert bus.asc bus.log --start 2026-11-26T12:00:00+01:00
      tinybms-gw can convert --parquet dataset --site north bus_*.log.gz
    """
    if directory is None and site is not None:
        raise UsageProblem("--site needs --parquet DIR")
    if directory is None and len(paths) != 2:
        raise UsageProblem("give a capture and the file to write, or --parquet DIR and captures")
    results: list[conversion.Converted | dataset.Written] = []
    with usage_errors():
        start_us = None if start is None else conversion.parse_start(start)
        for source in paths if directory is not None else paths[:1]:
            with progress_bar(source.name, 1.0) as progress:
                result: conversion.Converted | dataset.Written
                if directory is None:
                    result = conversion.convert(source, paths[1], start_us, force=force, progress=progress)
                else:
                    result = conversion.convert_to_dataset(
                        source, directory, "unknown" if site is None else site, start_us, force=force, progress=progress
                    )
            results.append(result)
            if not as_json:
                click.echo(str(result))
    if directory is None:
        click.echo(f"{paths[1].name} does not keep: {conversion.loses(paths[1])}", err=True)
    if as_json:
        print_json([result.as_json() for result in results])
