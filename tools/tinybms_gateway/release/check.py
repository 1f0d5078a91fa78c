"""``tinybms-gw release check``: the freeze before a window, and whether version, changelog, tag and record agree."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import click

from tinybms_gateway.command_line import lazy_imports, print_json
from tinybms_gateway.release import version as versions
from tinybms_gateway.release.git import Commit, Repository
from tinybms_gateway.release.options import freeze_options, in_tree

with lazy_imports():
    from tinybms_gateway.release import changelog, policy, record_model

POLICY = Path("ota/policy.yaml")
COMMITS_SHOWN = 10


@dataclass(frozen=True)
class Finding:
    """A finding: a problem, or a note that fails nothing."""

    level: Literal["problem", "note"]
    about: Literal["freeze", "version", "changelog", "tag", "record"]
    text: str


def check(root: Path, releases: Path, branch: str, policy_file: Path | None, now: datetime) -> list[Finding]:
    """All findings, problems first.

    Raises:
        OSError: the policy or version.txt cannot be read.
        ValueError: no git repository, or the policy or version.txt is not what it should be.
    """
    repository = Repository(root)
    freezes = policy.load(policy_file or repository.root / POLICY).freezes()
    version = versions.of_tree(repository.root)
    findings = [
        *freeze_findings(repository, branch, freezes, now),
        *changelog_findings(repository.root, version, now.date()),
        *tag_findings(repository, version),
        *record_findings(repository, releases, version),
    ]
    return sorted(findings, key=lambda finding: finding.level == "note")


def freeze_findings(
    repository: Repository, branch: str, freezes: "list[policy.Freeze]", now: datetime
) -> Iterator[Finding]:
    """Commits that landed on the branch in a freeze, by the committer dates of its own (first-parent) commits."""
    for freeze in freezes:
        if freeze.start <= now < freeze.end:
            yield Finding(
                "note", "freeze", f"'{branch}' is frozen until {freeze.end:%F %H:%M} UTC, for {_window(freeze)}"
            )
    references = repository.branches(branch)
    if not references:
        yield Finding("note", "freeze", f"there is no branch '{branch}', local or on origin: no freeze to check")
        return
    landed = {commit.hash: commit for reference in references for commit in repository.log("--first-parent", reference)}
    if freezes and repository.is_shallow():
        yield Finding(
            "problem", "freeze", "the history is cut off, so a commit may be missing: run 'git fetch --unshallow'"
        )
    for freeze in freezes:
        inside = [commit for commit in landed.values() if freeze.start <= commit.time < freeze.end]
        for commit in inside[:COMMITS_SHOWN]:
            yield Finding("problem", "freeze", f"{_landed(commit, branch, freeze)}; {_advice(freeze, now)}")
        if len(inside) > COMMITS_SHOWN:
            yield Finding(
                "problem",
                "freeze",
                f"and {len(inside) - COMMITS_SHOWN} more commits in the freeze before {_window(freeze)}",
            )


def changelog_findings(root: Path, version: str, today: date) -> Iterator[Finding]:
    """Whether the changelog knows the version, and none that is newer."""
    try:
        sections = changelog.read(root)
    except (ValueError, OSError) as error:
        yield Finding("problem", "changelog", " ".join(str(error).split()))
        return
    for name, section in sections.items():
        if name == changelog.UNRELEASED:
            continue
        if not versions.is_version(name):
            yield Finding("problem", "changelog", f"CHANGELOG.md: [{name}] is not a version of the form X.Y.Z")
        elif section.released is None:
            yield Finding(
                "problem", "changelog", f"CHANGELOG.md: [{name}] has no date: write '## [{name}] - YYYY-MM-DD'"
            )
        elif section.released > today + timedelta(days=1):
            yield Finding(
                "problem", "changelog", f"CHANGELOG.md: [{name}] is dated {section.released}, which is in the future"
            )
        elif versions.order(name) > versions.order(version):
            yield Finding(
                "problem",
                "changelog",
                f"CHANGELOG.md has [{name}], version.txt says {version}: set version.txt to {name}",
            )
    if version not in sections:
        yield Finding("note", "changelog", f"CHANGELOG.md has no section [{version}] yet")


def tag_findings(repository: Repository, version: str) -> Iterator[Finding]:
    """Whether the tag of the version, if there is one, is on a commit with that version."""
    tag = f"v{version}"
    tagged = repository.resolve(f"refs/tags/{tag}")
    if tagged is None:
        yield Finding("note", "tag", f"there is no tag {tag} yet")
        return
    text = (repository.show(tagged, "version.txt") or "").strip()
    if text != version:
        yield Finding(
            "problem", "tag", f"tag {tag}: version.txt of its commit says {text[:40]!r}; the tag is on the wrong commit"
        )
    if "CHANGELOG.md" in repository.tracked("CHANGELOG.md"):
        sections = _sections(repository.show(tagged, "CHANGELOG.md") or "")
        if version not in sections:
            yield Finding("problem", "tag", f"tag {tag}: CHANGELOG.md of its commit has no section [{version}]")
    if tagged != repository.head().hash:
        yield Finding(
            "note", "tag", f"{tag} is released and HEAD is another commit: the next release needs a new version.txt"
        )


def record_findings(repository: Repository, releases: Path, version: str) -> Iterator[Finding]:
    """Whether the record of the version, if there is one, is of the tagged commit, else of the one checked out."""
    path = record_model.record_path(releases, version)
    if not path.is_file():
        yield Finding("note", "record", f"{path}: there is no record yet")
        return
    try:
        record = record_model.load_record(path)
    except (ValueError, OSError) as error:
        yield Finding("problem", "record", " ".join(str(error).split()))
        return
    tagged = repository.resolve(f"refs/tags/v{version}")
    commit, name = (tagged, f"tag v{version}") if tagged else (repository.head().hash, "HEAD")
    if record.subject.git.hash != commit:
        built = record.subject.git.hash[:10]
        yield Finding(
            "problem",
            "record",
            f"{path}: of commit {built}, but {name} is {commit[:10]}: build that, then 'release record --replace'",
        )
    if record.subject.git.dirty:
        text = f"{path}: made from a tree with changes: commit them, build, then 'release record --replace'"
        yield Finding("problem" if tagged else "note", "record", text)


def now_utc() -> datetime:
    """The current time."""
    return datetime.now(timezone.utc)


def _sections(text: str) -> set[str]:
    try:
        return {section.version for section in changelog.parse(text)}
    except ValueError:
        return set()


def _landed(commit: Commit, branch: str, freeze: "policy.Freeze") -> str:
    before = (freeze.window.start - commit.time).total_seconds() / 3600
    when = f"{before:.1f} h before" if before > 0 else "during"
    landed = f"{commit.short} '{commit.subject[:80]}' landed on '{branch}' {commit.time:%F %H:%M} UTC"
    return f"{landed}, {when} {_window(freeze)}"


def _window(freeze: "policy.Freeze") -> str:
    window = freeze.window
    return f"window '{window.name}' ({window.environment}, {window.start:%F %H:%M} to {window.end:%F %H:%M} UTC)"


def _advice(freeze: "policy.Freeze", now: datetime) -> str:
    if now >= freeze.end:
        return "the window is over: remove it from the policy when its campaign is closed"
    hours = (freeze.window.start - freeze.start).total_seconds() / 3600
    return f"move the window to {hours:g} h after that commit or later, or release an earlier one"


@click.command("check")
@freeze_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@in_tree
def check_command(root: Path, releases: Path, branch: str, policy: Path | None, as_json: bool) -> None:
    """Check the freeze, and that version.txt, CHANGELOG.md, tag and record agree.

    Nothing may land on branch 'release' in the 48 h before a window of ota/policy.yaml, or during it.

    The committer dates of the branch's own commits count, including merges. Exit status 1 if there is a problem; notes
    fail nothing. Without a branch 'release' there is no freeze, which is a note.

    \b
    Examples:
      tinybms-gw release check
      tinybms-gw release check --json | jq '.problems[].text'
    """
    findings = check(root, releases, branch, policy, now_utc())
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
