"""``tinybms-gw release tag``: creates the tag of a release, if everything that it needs is there."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, print_json
from tinybms_gateway.release import version as versions
from tinybms_gateway.release.check import check, now_utc
from tinybms_gateway.release.git import Repository
from tinybms_gateway.release.options import freeze_options, in_tree, version_argument

with lazy_imports():
    from tinybms_gateway.release import changelog, record_model
    from tinybms_gateway.release.record import contents

ROLE_NAMES = {"firmware": "firmware", "victron": "Victron integration", "qa": "QA"}


@dataclass(frozen=True)
class Plan:
    """The tag that could be made: its name, commit and message; reasons against it."""

    name: str
    commit: str
    message: str
    reasons: list[str]


def plan(root: Path, releases: Path, version: str, branch: str, policy: Path | None, now: datetime) -> Plan:
    """Check everything that a tag needs.

    Raises:
        OSError: the policy or version.txt cannot be read.
        ValueError: no git repository, or the policy or version.txt is not what it should be.
    """
    repository = Repository(root)
    head = repository.head()
    reasons: list[str] = []
    if repository.resolve(f"refs/tags/v{version}") is not None:
        reasons.append(f"tag v{version} already exists; a release is never moved: choose another version")
    in_tree = versions.of_tree(repository.root)
    if in_tree != version:
        reasons.append(f"version.txt says {in_tree}, not {version}")
    changed = repository.changed_files(apart_from=releases)
    if changed:
        reasons.append(f"uncommitted changes: {contents.some_of(changed)}")
    body = _changelog(repository.root, version, reasons)
    record = _record(releases, version, head.hash, reasons)
    findings = check(root, releases, branch, policy, now)
    reasons += [finding.text for finding in findings if finding.level == "problem"]
    message = _message(version, body, record) if record is not None else ""
    return Plan(f"v{version}", head.hash, message, list(dict.fromkeys(reasons)))


def create(root: Path, planned: Plan) -> None:
    """Create the annotated tag; it is not pushed.

    Raises:
        ValueError: git refused, or there are reasons against the tag.
    """
    if planned.reasons:
        raise ValueError(f"{planned.name}: {planned.reasons[0]}")
    arguments = ["tag", "--annotate", "--cleanup=verbatim", "--file=-", planned.name, planned.commit]
    Repository(root).run(*arguments, text=planned.message)


def _changelog(root: Path, version: str, reasons: list[str]) -> str:
    try:
        section = changelog.read(root).get(version)
    except (ValueError, OSError):
        return ""  # `check` says so
    if section is None:
        reasons.append(f"CHANGELOG.md has no section [{version}]: rename [Unreleased] to '[{version}] - YYYY-MM-DD'")
        return ""
    if not section.body.strip():
        reasons.append(f"CHANGELOG.md: section [{version}] is empty")
    return section.body


def _record(releases: Path, version: str, head: str, reasons: list[str]) -> "record_model.Record | None":
    path = record_model.record_path(releases, version)
    if not path.is_file():
        reasons.append(f"{path}: there is no record; build and run 'tinybms-gw release record'")
        return None
    try:
        record = record_model.load_record(path)
    except (ValueError, OSError) as error:
        reasons.append(" ".join(str(error).split()))
        return None
    git = record.subject.git
    if git.dirty:
        reasons.append(f"{path}: made from a tree with changes: {contents.some_of(list(git.changed))}")
    if git.hash != head:
        reasons.append(
            f"{path}: of commit {git.hash[:10]}, but HEAD is {head[:10]}: build that, then 'release record --replace'"
        )
    signed = record.valid_sign_offs()
    for role in record_model.ROLES:
        if role not in signed:
            again = (
                "the sign-off is for another build"
                if any(s.role == role for s in record.sign_offs)
                else "not signed off"
            )
            reasons.append(f"{ROLE_NAMES[role]}: {again}; 'tinybms-gw release record sign --role {role} --by NAME'")
    return record


def _message(version: str, body: str, record: "record_model.Record") -> str:
    subject = record.subject
    lines = [f"TinyBMS Web Gateway {version}", "", body, ""]
    lines += [f"Record: {record.subject_sha256}", f"ESP-IDF: {subject.build.idf_version}"]
    lines += [f"Image: {subject.artefacts[f'{subject.build.project}.bin'].sha256}"]
    for role, sign_off in record.valid_sign_offs().items():
        lines.append(f"Signed off for {ROLE_NAMES[role]}: {sign_off.by}, {sign_off.time:%F}")
    return "\n".join(lines) + "\n"


@click.command("tag")
@version_argument(required=True)
@freeze_options
@click.option("--dry-run", is_flag=True, help="Only show whether the tag could be made, and its message.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@in_tree
def tag_command(
    root: Path, releases: Path, version: str, branch: str, policy: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Create the annotated tag vX.Y.Z on HEAD. It is never pushed.

    It needs a clean record of exactly this commit with the sign-offs of firmware, Victron integration and QA, the
    version in version.txt and in a dated section of CHANGELOG.md, and a 'release check' without a problem. Everything
    missing is listed together.

    \b
    Examples:
      tinybms-gw release tag 0.2.0 --dry-run
      tinybms-gw release tag 0.2.0 && git push origin v0.2.0
    """
    planned = plan(root, releases, version, branch, policy, now_utc())
    made = not planned.reasons and not dry_run
    if made:
        create(root, planned)
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
