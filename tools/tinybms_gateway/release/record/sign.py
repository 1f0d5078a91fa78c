"""``tinybms-gw release record sign``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.release.options import in_tree, record_file

with lazy_imports():
    from tinybms_gateway.release import record_model

ROLE = click.Choice(["firmware", "victron", "qa"])


@click.command("sign")
@click.option("--role", type=ROLE, required=True, help="Role of the sign-off.")
@click.option("--by", required=True, metavar="NAME", help="Name of the person who signs off.")
@click.option("--comment", default="", metavar="TEXT", help="Comment on the sign-off.")
@click.option(
    "--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Version of the release."
)
@in_tree
def sign_command(root: Path, releases: Path, role: str, by: str, comment: str, version: str | None) -> None:
    """Sign off a release in one of three roles: firmware, Victron integration, QA.

    A sign-off holds for the commit and artefacts that the record names now, not for any other build.

    \b
    Examples:
      tinybms-gw release record sign --role victron --by NAME
    """
    path = record_file(root, releases, version)
    sign_off = record_model.add_sign_off(path, role, by, comment)
    click.echo(f"{path}: {sign_off.role} signed off by {sign_off.by}, for build {sign_off.subject_sha256[:12]}")
