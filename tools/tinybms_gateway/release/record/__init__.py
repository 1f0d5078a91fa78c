"""``tinybms-gw release record``: what was built from what, what it was tested with, who agreed, where it runs."""

from pathlib import Path

import click

from tinybms_gateway.command_line import LazyGroup, UsageProblem, lazy_imports
from tinybms_gateway.release.options import in_tree
from tinybms_gateway.release.record.attach import describe
from tinybms_gateway.release.record.show import show_record

with lazy_imports():
    from tinybms_gateway.release import record_model
    from tinybms_gateway.release.record import contents


@click.group(
    "record",
    cls=LazyGroup,
    invoke_without_command=True,
    paths={
        "site": "tinybms_gateway.release.record.site:site_command",
        "attach": "tinybms_gateway.release.record.attach:attach_command",
        "sign": "tinybms_gateway.release.record.sign:sign_command",
        "show": "tinybms_gateway.release.record.show:show_command",
    },
)
@click.option("--build", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              show_default="build/ in the tree", help="Build directory of 'idf.py build'.")  # fmt: skip
@click.option("--sdkconfig", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              show_default="sdkconfig in the tree", help="Configuration of the build.")  # fmt: skip
@click.option("--site", metavar="NAME", help="Also record that the release was installed there.")
@click.option("--date", "day", metavar="DATE", help="Date of the installation, such as 2026-03-04; default: now.")
@click.option("--attach", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True, metavar="FILE",
              help="Also attach a result: figures.json, JUnit, any file; repeatable.")  # fmt: skip
@click.option("--allow-dirty", is_flag=True, help="Allow uncommitted changes; such a record can never be tagged.")
@click.option("--replace", is_flag=True, help="Start a new record in place of one of another build of this version.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON, without the text of the sdkconfig.")
@in_tree
@click.pass_context
def record_group(
    context: click.Context, root: Path, releases: Path, build: Path | None, sdkconfig: Path | None, site: str | None,
    day: str | None, attach: tuple[Path, ...], allow_dirty: bool, replace: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write the record of the release in build/.

    It goes to RELEASES/X.Y.Z.json, with the version of version.txt.

    It holds the commit, ESP-IDF and compiler, the hash of each artefact, the sdkconfig without passwords, the versions
    of DBC, registers, settings and API. A tree with changes, missing artefacts, and a build that is older than the tree
    or of another version are refused. The subcommands add to an existing record and need no build.

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
    if day is not None and site is None:
        raise UsageProblem("--date is the date of an installation: give --site too")
    subject = contents.measure(root, releases, build or root / "build", sdkconfig or root / "sdkconfig", allow_dirty)
    entries = [("deployment", contents.deployment(site, day))] if site is not None else []
    entries += [("result", describe(file)) for file in attach]
    made = contents.make_record(subject, releases, replace)
    for kind, entry in entries:
        record_model.add_entry(made.path, kind, entry)
    _warn_of_secrets(made.record.subject.sdkconfig.removed)
    if not as_json:
        added = f", {len(entries)} added" if entries else ""
        click.echo(f"{made.path}: {'already there' if made.was_there else 'written'}{added}")
    show_record(made.path, as_json)


def _refuse_options_of_the_group(context: click.Context) -> None:
    """An option before a subcommand would be silently lost."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            name, command = parameter.opts[-1], context.invoked_subcommand
            raise UsageProblem(
                f"{name} stands before '{command}' and would be ignored; put it after, if '{command}' has it"
            )


def _warn_of_secrets(removed: tuple[str, ...]) -> None:
    if removed:
        click.echo(
            f"warning: {', '.join(removed)} is set, and is therefore in the image; 'release archive' will refuse it. "
            "Build without sdkconfig.local, and save passwords as settings of the device",
            err=True,
        )
