"""``tinybms-gw release notes``: release notes and the summary for the review."""

from pathlib import Path

import click

from tinybms_gateway.options import print_json
from tinybms_gateway.release.options import in_tree


@click.command("notes")
@click.argument("version", metavar="X.Y.Z|unreleased")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write them to a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON instead of Markdown.")
@in_tree
def notes_command(root: Path, releases: Path, version: str, output: Path | None, as_json: bool) -> None:
    """Write the release notes as Markdown.

    The section of CHANGELOG.md, and the summary for the review.

    The summary lists the commits since the tag before by area (architecture, PGN, conversions, configuration), which
    sections of README.md, architecture, conversions and validation plan changed, and who has signed off.

    \b
    Examples:
      tinybms-gw release notes unreleased
      tinybms-gw release notes 0.2.0 -o notes-0.2.0.md
    """
    from tinybms_gateway.release import changelog  # noqa: PLC0415 - keeps --help quick
    from tinybms_gateway.release import version as versions  # noqa: PLC0415
    from tinybms_gateway.release.files import replaced  # noqa: PLC0415
    from tinybms_gateway.release.notes import notes_impl  # noqa: PLC0415

    wanted = version.lower() if version.lower() == changelog.UNRELEASED else versions.checked(version.removeprefix("v"))
    notes = notes_impl.collect(root, releases, wanted)
    if as_json:
        print_json(notes_impl.as_json(notes))
    if output is not None:
        with replaced(output) as file:
            file.write(notes_impl.markdown(notes).encode())
        click.echo(f"{output}: written", err=as_json)
    elif not as_json:
        click.echo(notes_impl.markdown(notes), nl=False)
