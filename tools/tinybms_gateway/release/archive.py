"""``tinybms-gw release archive``: one file with everything that belongs to a release."""

from pathlib import Path

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json
from tinybms_gateway.release import version as versions
from tinybms_gateway.release.files import hash_file
from tinybms_gateway.release.options import in_tree, version_argument

with lazy_imports():
    from tinybms_gateway.release import archive_check, archive_file

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("archive")
@version_argument(required=False)
@click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              show_default="build/ in the tree", help="Build directory of 'idf.py build'.")  # fmt: skip
@click.option("--sdkconfig", type=FILE, metavar="FILE", show_default="sdkconfig in the tree",
              help="Configuration of the build.")  # fmt: skip
@click.option(
    "--capture", "captures", type=FILE, multiple=True, metavar="FILE", help="CAN capture to include; repeatable."
)
@click.option("--monitor-log", type=FILE, metavar="FILE", help="Log of the first start, to include.")
@click.option("-o", "--output", type=FILE, metavar="FILE", show_default="RELEASES/tinybms-web-gateway-X.Y.Z.tar.gz",
              help="Archive to write.")  # fmt: skip
@click.option("--allow-dirty", is_flag=True, help="Allow uncommitted changes.")
@click.option("--verify", type=FILE, metavar="FILE", help="Check this archive instead of making one.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@in_tree
def archive_command(
    root: Path, releases: Path, version: str | None, build: Path | None, sdkconfig: Path | None,
    captures: tuple[Path, ...], monitor_log: Path | None, output: Path | None, allow_dirty: bool,
    verify: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Archive a release.

    The archive holds the artefacts, sdkconfig without passwords, partition table, record, captures and bill of
    materials.

    It is one tar.gz with SHA256SUMS inside ('sha256sum -c') and its own hash beside it. The artefacts must be those of
    the record. The same inputs make the same bytes. An image that holds a password of the sdkconfig is refused.

    \b
    Examples:
      tinybms-gw release archive --capture bench.log --monitor-log build/monitor.log
      tinybms-gw release archive --verify releases/tinybms-web-gateway-0.2.0.tar.gz
    """
    if verify is not None:
        others = {"X.Y.Z": version, "--capture": captures, "--monitor-log": monitor_log, "--output": output}
        given = [name for name, value in others.items() if value]
        if given:
            raise UsageProblem(f"--verify only checks: leave out {', '.join(given)}")
        _verify(verify, as_json)
        return
    inputs = archive_file.Inputs(build or root / "build", sdkconfig or root / "sdkconfig", list(captures), monitor_log)
    archive = archive_file.make_archive(root, releases, version or versions.of_tree(root), inputs, output, allow_dirty)
    sha256, size = hash_file(archive)
    if as_json:
        print_json({"archive": str(archive), "sha256": sha256, "size": size})
    else:
        click.echo(f"{archive}: {size:,} bytes, sha256 {sha256}")


def _verify(path: Path, as_json: bool) -> None:
    archive = archive_check.verify(path)
    shown = archive.problems[: archive_check.PROBLEMS_SHOWN]
    if as_json:
        print_json(
            {"archive": str(path), "version": archive.version, "files": archive.hashes, "problems": archive.problems}
        )
    elif archive.problems:
        for problem in shown:
            click.echo(f"{path}: {problem}")
        if len(shown) < len(archive.problems):
            click.echo(f"{path}: and {len(archive.problems) - len(shown)} more")
    else:
        click.echo(f"{path}: good: {len(archive.hashes)} files, version {archive.version}")
    if archive.problems:
        raise SystemExit(1)
