"""``tinybms-gw release tag``: the annotated tag, when everything that it needs is there."""

from pathlib import Path

import click

from tinybms_gateway.options import print_json
from tinybms_gateway.release.options import freeze_options, in_tree, version_argument


@click.command("tag")
@version_argument(required=True)
@freeze_options
@click.option("--dry-run", is_flag=True, help="Only say whether it could be made, and what its message would be.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@in_tree
def tag_command(
    root: Path, releases: Path, version: str, branch: str, policy: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Create the annotated tag vX.Y.Z on HEAD. It is never pushed.

    It needs a clean record of exactly this commit, the sign-offs of firmware, Victron integration and QA in it,
    version.txt and a dated section of CHANGELOG.md with the version, and 'release check' without a problem. Whatever
    is missing is told at once.

    \b
    Examples:
      tinybms-gw release tag 0.2.0 --dry-run
      tinybms-gw release tag 0.2.0 && git push origin v0.2.0
    """
    from tinybms_gateway.release.check.check_impl import now_utc  # noqa: PLC0415 - keeps --help quick
    from tinybms_gateway.release.tag import tag_impl  # noqa: PLC0415

    planned = tag_impl.plan(root, releases, version, branch, policy, now_utc())
    made = not planned.reasons and not dry_run
    if made:
        tag_impl.create(root, planned)
    if as_json:
        print_json({"tag": planned.name, "commit": planned.commit, "made": made, "reasons": planned.reasons})
    elif planned.reasons:
        click.echo(f"{planned.name} cannot be made:")
        for reason in planned.reasons:
            click.echo(f"- {reason}")
    elif dry_run:
        click.echo(f"{planned.name} could be made on {planned.commit}:\n\n{planned.message}", nl=False)
    else:
        click.echo(f"{planned.name} made on {planned.commit[:10]}; publish it with: git push origin {planned.name}")
    if planned.reasons:
        raise SystemExit(1)
