"""``tinybms-gw release record site``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.release.options import in_tree, record_file

with lazy_imports():
    from tinybms_gateway.release import record_model
    from tinybms_gateway.release.record import contents


@click.command("site")
@click.argument("site")
@click.option(
    "--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Version of the release."
)
@click.option("--date", "day", metavar="DATE", help="Date of the installation, such as 2026-03-04; default: now.")
@in_tree
def site_command(root: Path, releases: Path, site: str, version: str | None, day: str | None) -> None:
    """Record where and when the release was installed, once for each site.

    \b
    Examples:
      tinybms-gw release record site "Hill farm" --date 2026-03-04
    """
    path = record_file(root, releases, version)
    record_model.add_entry(path, "deployment", contents.deployment(site, day))
    click.echo(f"{path}: installed at {site.strip()}")
