"""``tinybms-gw release record``: what was built from what, what it was tested with, who agreed, where it runs."""

from pathlib import Path

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.options import UsageProblem, print_json
from tinybms_gateway.release.options import in_tree, version_argument

ROLE = click.Choice(["firmware", "victron", "qa"])


@click.group("record", cls=CommandGroup, invoke_without_command=True)
@click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              show_default="build/ in the tree", help="What 'idf.py build' made.")  # fmt: skip
@click.option("--sdkconfig", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              show_default="sdkconfig in the tree", help="The configuration that it was built with.")  # fmt: skip
@click.option("--site", metavar="NAME", help="Also note that the release was installed there.")
@click.option("--date", "day", metavar="DATE", help="When, such as 2026-03-04; default: now.")
@click.option("--attach", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True, metavar="FILE",
              help="Also note a result: figures.json, JUnit, any file; repeatable.")  # fmt: skip
@click.option("--allow-dirty", is_flag=True, help="Even with changes that no commit holds; it can never be tagged.")
@click.option("--replace", is_flag=True, help="Begin anew when there is a record of another build of this version.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON, without the text of the sdkconfig.")
@in_tree
@click.pass_context
def record_group(
    context: click.Context, root: Path, releases: Path, build: Path | None, sdkconfig: Path | None, site: str | None,
    day: str | None, attach: tuple[Path, ...], allow_dirty: bool, replace: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write the record of the release that is in build/.

    Into RELEASES/X.Y.Z.json, the version being that of version.txt.

    It holds the commit, ESP-IDF and compiler, the hash of each artefact, the sdkconfig without passwords, the
    versions of DBC, registers, settings and API. Refused: a tree with changes, missing artefacts, a build that is
    older than the tree or of another version. The subcommands add to a record that is there, without a build at hand.

    \b
    Examples:
      tinybms-gw release record --attach build-linux/figures.json
      tinybms-gw release record site "Hill farm" --date 2026-03-04
      tinybms-gw release record sign --role qa --by NAME --comment "bench and field test passed"
      tinybms-gw release record show 0.2.0 --json
    """
    if context.invoked_subcommand is not None:
        _refuse_options_of_the_group(context)
        return
    from tinybms_gateway.release import record_model  # noqa: PLC0415 - keeps --help quick
    from tinybms_gateway.release.record import attach_impl, record_impl  # noqa: PLC0415

    if day is not None and site is None:
        raise UsageProblem("--date is when the release was installed: give --site, too")
    subject = record_impl.measure(root, releases, build or root / "build", sdkconfig or root / "sdkconfig", allow_dirty)
    entries = [("deployment", record_impl.deployment(site, day))] if site is not None else []
    entries += [("result", attach_impl.describe(file)) for file in attach]
    made = record_impl.make_record(subject, releases, replace)
    for kind, entry in entries:
        record_model.add_entry(made.path, kind, entry)
    _warn_of_secrets(made.record.subject.sdkconfig.removed)
    if not as_json:
        added = f", {len(entries)} added" if entries else ""
        click.echo(f"{made.path}: {'is there already' if made.was_there else 'written'}{added}")
    _show(made.path, as_json)


@record_group.command("site")
@click.argument("site")
@click.option("--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Of which release.")
@click.option("--date", "day", metavar="DATE", help="When, such as 2026-03-04; default: now.")
@in_tree
def site_command(root: Path, releases: Path, site: str, version: str | None, day: str | None) -> None:
    """Note where and when the release was installed; once for each site.

    \b
    Examples:
      tinybms-gw release record site "Hill farm" --date 2026-03-04
    """
    from tinybms_gateway.release import record_model  # noqa: PLC0415
    from tinybms_gateway.release.record import record_impl  # noqa: PLC0415

    path = _path(root, releases, version)
    record_model.add_entry(path, "deployment", record_impl.deployment(site, day))
    click.echo(f"{path}: installed at {site.strip()}")


@record_group.command("attach")
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path, dir_okay=False, exists=True))  # fmt: skip
@click.option("--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Of which release.")
@in_tree
def attach_command(root: Path, releases: Path, files: tuple[Path, ...], version: str | None) -> None:
    """Note results of tests by name and hash.

    figures.json with its figures, JUnit files with their counts, any file.

    \b
    Examples:
      tinybms-gw release record attach build-linux/figures.json verify.xml monitor.log
    """
    from tinybms_gateway.release import record_model  # noqa: PLC0415
    from tinybms_gateway.release.record import attach_impl  # noqa: PLC0415

    path = _path(root, releases, version)
    for result in [attach_impl.describe(file) for file in files]:
        record_model.add_entry(path, "result", result)
    click.echo(f"{path}: {len(files)} attached")


@record_group.command("sign")
@click.option("--role", type=ROLE, required=True, help="In which role.")
@click.option("--by", required=True, metavar="NAME", help="Who agrees.")
@click.option("--comment", default="", metavar="TEXT", help="What there is to say.")
@click.option("--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Of which release.")
@in_tree
def sign_command(root: Path, releases: Path, role: str, by: str, comment: str, version: str | None) -> None:
    """Agree with a release in one of three roles: firmware, Victron integration, QA.

    A sign-off holds for the commit and the artefacts that the record names now, and not for any other build.

    \b
    Examples:
      tinybms-gw release record sign --role victron --by NAME
    """
    from tinybms_gateway.release import record_model  # noqa: PLC0415

    path = _path(root, releases, version)
    sign_off = record_model.add_sign_off(path, role, by, comment)
    click.echo(f"{path}: {sign_off.role} signed off by {sign_off.by}, for build {sign_off.subject_sha256[:12]}")


@record_group.command("show")
@version_argument(required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, without the text of the sdkconfig.")
@in_tree
def show_command(root: Path, releases: Path, version: str | None, as_json: bool) -> None:
    """Show a record, that of version.txt unless another is named.

    \b
    Examples:
      tinybms-gw release record show 0.2.0
    """
    _show(_path(root, releases, version), as_json)


def _path(root: Path, releases: Path, version: str | None) -> Path:
    from tinybms_gateway.release import record_model  # noqa: PLC0415
    from tinybms_gateway.release import version as versions  # noqa: PLC0415

    return record_model.record_path(releases, version.removeprefix("v") if version else versions.of_tree(root))


def _show(path: Path, as_json: bool) -> None:
    from tinybms_gateway.release import record_model  # noqa: PLC0415
    from tinybms_gateway.release.record import record_impl, show_impl  # noqa: PLC0415

    record = record_model.load_record(path)
    if as_json:
        print_json(record_impl.summary(path, record))
        return
    for line in show_impl.lines(record):
        click.echo(line)


def _refuse_options_of_the_group(context: click.Context) -> None:
    """An option before a subcommand would be lost without a word."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            name, command = parameter.opts[-1], context.invoked_subcommand
            raise UsageProblem(
                f"{name} stands before '{command}' and would not count; put it behind, if '{command}' has it"
            )


def _warn_of_secrets(removed: tuple[str, ...]) -> None:
    if removed:
        click.echo(
            f"warning: {', '.join(removed)} is set, and so is in the image; 'release archive' will refuse it. "
            "Build without sdkconfig.local, and save passwords as settings of the device",
            err=True,
        )
