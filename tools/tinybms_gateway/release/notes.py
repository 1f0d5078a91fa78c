"""``tinybms-gw release notes``: from CHANGELOG.md, the history and the pages, with the summary for the review."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from tinybms_gateway.command_line import lazy_imports, print_json
from tinybms_gateway.release import version as versions
from tinybms_gateway.release.files import replaced
from tinybms_gateway.release.git import Commit, Repository
from tinybms_gateway.release.options import in_tree

with lazy_imports():
    from tinybms_gateway.release import changelog, record_model

COMMITS_SHOWN = 30
CONVENTIONAL = re.compile(r"(?P<type>[a-z]+)(?:\((?P<scope>[^)]+)\))?(?P<breaking>!)?: ")
HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(?P<line>\d+)(?:,(?P<count>\d+))? @@", re.MULTILINE)
MARKDOWN = re.compile(r"([\\`*_<>\[\]|])")
PAGES = {
    "README.md": "overview",
    "docs/architecture.md": "technical details",
    "docs/pgn_conversions.md": "formulas",
    "docs/testing/validation_plan.md": "tests",
}
CHECKLIST = {
    "firmware": "Firmware developers: conversions, FreeRTOS tasks",
    "victron": "Victron integrator: frames and values on the CAN bus",
    "qa": "QA: tests, and the checklist for going into production",
}


@dataclass(frozen=True)
class Area:
    """A part of the product that the review covers: its paths (fnmatch) and scopes of Conventional Commits."""

    name: str
    paths: tuple[str, ...]
    scopes: tuple[str, ...] = ()


SERVICES = ("event_bus", "uart_bms", "battery", "diagnostics", "wifi", "web_server", "mqtt", "ota", "history")
VALUES = ("tinybms", "battery_model", "battery_pipeline", "battery_alarms", "charge_control", "energy_meter")
AREAS = (
    Area(
        "Architecture",
        (
            *("main/*", "CMakeLists.txt", "host/*", "docs/architecture.md", "docs/what_happens_when.md"),
            *(f"components/{name}/*" for name in SERVICES),
        ),
        ("host", "main"),
    ),
    Area(
        "PGN",
        ("components/victron_pgn/*", "components/can_victron/*", "*.dbc"),
        ("victron_pgn", "can_victron", "dbc"),
    ),
    Area("Conversions", ("docs/pgn_conversions.md", *(f"components/{name}/*" for name in VALUES)), VALUES),
    Area(
        "Configuration",
        ("components/settings/*", "*Kconfig", "sdkconfig.defaults", "partitions.csv", "ota/*", "docs/configuration.md"),
        ("settings", "config"),
    ),
)
OTHER = "Tools, tests and the rest"


@dataclass(frozen=True)
class Page:
    """A page that the review points to: whether it exists, whether it changed, and in which sections."""

    path: str
    purpose: str
    there: bool
    changed: bool
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Notes:
    """Everything that the notes are made from; `since` is the previous tag, None: the whole history."""

    version: str
    released: date | None
    changes: str
    since: str | None
    history_cut: bool
    areas: dict[str, list[Commit]]
    pages: list[Page]
    sign_offs: "dict[str, record_model.SignOff]"


def collect(root: Path, releases: Path, version: str) -> Notes:
    """Collect the notes of a version, or of `unreleased`.

    Raises:
        OSError: CHANGELOG.md cannot be read.
        ValueError: no git repository, or CHANGELOG.md has no such section.
    """
    repository = Repository(root)
    sections = changelog.read(repository.root)
    section = sections.get(version)
    if section is None:
        there = ", ".join(sections) or "no section"
        raise ValueError(
            f"CHANGELOG.md has no section [{version}], but {there}; 'unreleased' stands for what has no version yet"
        )
    end = f"v{version}" if version != changelog.UNRELEASED and repository.resolve(f"refs/tags/v{version}") else "HEAD"
    parent = f"{end}^" if end != "HEAD" else end
    since = repository.tag_before(parent) if repository.resolve(parent) else None
    commits = repository.log_with_files(f"{since}..{end}" if since else end)
    return Notes(
        version,
        section.released,
        section.body,
        since,
        repository.is_shallow(),
        by_area(commits),
        [_page(repository, path, purpose, since, end) for path, purpose in PAGES.items()],
        _sign_offs(releases, version),
    )


def by_area(commits: list[Commit]) -> dict[str, list[Commit]]:
    """The commits of each area; one that touches several is in each of them, one that touches none in the last."""
    areas: dict[str, list[Commit]] = {name: [] for name in (*(area.name for area in AREAS), OTHER)}
    for commit in commits:
        names = [area.name for area in AREAS if _belongs(commit, area)]
        for name in names or [OTHER]:
            areas[name].append(commit)
    return areas


def markdown(notes: Notes) -> str:
    """The notes as a page."""
    return "\n".join(_lines(notes)) + "\n"


def notes_json(notes: Notes) -> dict[str, Any]:
    """The notes for programs."""
    return {
        "version": notes.version,
        "date": notes.released.isoformat() if notes.released else None,
        "changes": notes.changes,
        "since": notes.since,
        "history_cut": notes.history_cut,
        "areas": {
            name: [{"commit": commit.hash, "subject": commit.subject} for commit in commits]
            for name, commits in notes.areas.items()
        },
        "pages": [
            {"path": page.path, "there": page.there, "changed": page.changed, "sections": page.sections}
            for page in notes.pages
        ],
        "sign_offs": {
            role: notes.sign_offs[role].by if role in notes.sign_offs else None for role in record_model.ROLES
        },
    }


def _lines(notes: Notes) -> Iterator[str]:
    named = "unreleased changes" if notes.version == changelog.UNRELEASED else notes.version
    yield f"# TinyBMS Web Gateway {named}"
    yield ""
    if notes.version != changelog.UNRELEASED:
        yield f"{notes.released.isoformat() if notes.released else 'Not released yet'}."
        yield ""
    yield notes.changes or "No changes are listed."
    yield ""
    yield "## Summary for the review"
    yield ""
    different = {commit.hash for commits in notes.areas.values() for commit in commits}
    since = notes.since or "the beginning"
    yield f"{len(different)} commits since {since}, without merges; one that touches several areas is listed in each."
    if notes.history_cut:
        yield "The history of this clone is cut off, so older commits are missing: `git fetch --unshallow`."
    for name, commits in notes.areas.items():
        yield ""
        yield f"### {name}: {len(commits)}"
        yield ""
        yield from [f"- {_subject(commit)} ({commit.short})" for commit in commits[:COMMITS_SHOWN]] or ["Nothing."]
        if len(commits) > COMMITS_SHOWN:
            yield f"- and {len(commits) - COMMITS_SHOWN} older ones"
    yield ""
    yield "### Pages to read"
    yield ""
    yield "| page | for | changed since then |"
    yield "| --- | --- | --- |"
    for page in notes.pages:
        yield f"| {page.path} | {page.purpose} | {_page_text(page)} |"
    yield ""
    yield "### Sign-off"
    yield ""
    for role, text in CHECKLIST.items():
        signed = notes.sign_offs.get(role)
        yield f"- [x] {text} - {_escape(signed.by)}, {signed.time:%F}" if signed else f"- [ ] {text}"


def _subject(commit: Commit) -> str:
    match = CONVENTIONAL.match(commit.subject)
    return f"{'**breaking** ' if match and match['breaking'] else ''}{_escape(commit.subject)}"


def _escape(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text)


def _page_text(page: Page) -> str:
    if not page.there:
        return "there is no such page"
    if not page.changed:
        return "no"
    return ", ".join(_escape(section) for section in page.sections) or "yes"


def _belongs(commit: Commit, area: Area) -> bool:
    match = CONVENTIONAL.match(commit.subject)
    scopes = {scope.strip() for scope in (match["scope"] or "").split(",")} if match else set()
    return bool(scopes & set(area.scopes)) or any(
        fnmatchcase(file, path) for file in commit.files for path in area.paths
    )


def _page(repository: Repository, path: str, purpose: str, since: str | None, end: str) -> Page:
    text = repository.show(end, path)
    if text is None:
        return Page(path, purpose, there=False, changed=False, sections=())
    if since is None or repository.show(since, path) is None:
        return Page(path, purpose, there=True, changed=True, sections=("entirely new",))
    difference = repository.run("diff", "--unified=0", "--no-ext-diff", "--no-textconv", f"{since}..{end}", "--", path)
    sections = changed_sections(text, difference)
    return Page(path, purpose, there=True, changed=bool(sections), sections=sections)


def changed_sections(text: str, difference: str) -> tuple[str, ...]:
    """Titles of the sections of a page that a diff without context changes, in the order of the page."""
    headings = changelog.headings(text)
    touched = set()
    for hunk in HUNK.finditer(difference):
        first, count = int(hunk["line"]), int(hunk["count"] or 1)
        last = first + max(count, 1) - 1
        for number, heading in enumerate(headings):
            begin = heading.line + 1 if number else 1
            end = headings[number + 1].line if number + 1 < len(headings) else last + 1
            if first <= end and last >= begin:
                touched.add(number)
    return tuple(headings[number].title for number in sorted(touched)) or (("yes",) if difference else ())


def _sign_offs(releases: Path, version: str) -> "dict[str, record_model.SignOff]":
    if version == changelog.UNRELEASED:
        return {}
    path = record_model.record_path(releases, version)
    return record_model.load_record(path).valid_sign_offs() if path.is_file() else {}


@click.command("notes")
@click.argument("version", metavar="X.Y.Z|unreleased")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the notes to a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
@in_tree
def notes_command(root: Path, releases: Path, version: str, output: Path | None, as_json: bool) -> None:
    """Write the release notes as Markdown.

    The notes are the section of CHANGELOG.md, and a summary for the review.

    The summary lists the commits since the previous tag by area (architecture, PGN, conversions, configuration), the
    changed sections of README.md, architecture, conversions and validation plan, and who has signed off.

    \b
    Examples:
      tinybms-gw release notes unreleased
      tinybms-gw release notes 0.2.0 -o notes-0.2.0.md
    """
    wanted = version.lower() if version.lower() == changelog.UNRELEASED else versions.checked(version.removeprefix("v"))
    notes = collect(root, releases, wanted)
    if as_json:
        print_json(notes_json(notes))
    if output is not None:
        with replaced(output) as file:
            file.write(markdown(notes).encode())
        click.echo(f"{output}: written", err=as_json)
    elif not as_json:
        click.echo(markdown(notes), nl=False)
