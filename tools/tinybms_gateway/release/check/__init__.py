"""``tinybms-gw release check``: the freeze, and whether version, change log, tag and record agree."""

from dataclasses import asdict
from pathlib import Path

import click

from tinybms_gateway.options import print_json
from tinybms_gateway.release.options import freeze_options, in_tree


@click.command("check")
@freeze_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@in_tree
def check_command(root: Path, releases: Path, branch: str, policy: Path | None, as_json: bool) -> None:
    """Check the freeze, and that version.txt, CHANGELOG.md, tag and record agree.

    Nothing may have landed on branch 'release' in the 48 h before a window of ota/policy.yaml, or while it lasts.

    What counts as landed is the committer date of the branch's own commits, merges with them. Exit status 1 when
    there is a problem; a note fails nothing. Without a branch 'release' there is no freeze, which is a note.

    \b
    Examples:
      tinybms-gw release check
      tinybms-gw release check --json | jq '.problems[].text'
    """
    from tinybms_gateway.release.check import check_impl  # noqa: PLC0415 - keeps --help quick

    findings = check_impl.check(root, releases, branch, policy, check_impl.now_utc())
    problems = [finding for finding in findings if finding.level == "problem"]
    if as_json:
        notes = [finding for finding in findings if finding.level == "note"]
        print_json({"good": not problems, "problems": [*map(asdict, problems)], "notes": [*map(asdict, notes)]})
    else:
        for finding in findings:
            click.echo(f"{finding.level + ':':9} {finding.text}")
        click.echo("not good" if problems else "good")
    if problems:
        raise SystemExit(1)
