"""Make the record of a release from the source tree and its build, and add to it what comes later."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinybms_gateway.release import artefacts, record_model, sdkconfig
from tinybms_gateway.release import version as versions
from tinybms_gateway.release.files import hash_file, read_text, replaced
from tinybms_gateway.release.git import Repository
from tinybms_gateway.release.record_model import Git, Record, Schema, Sdkconfig, Subject

SCHEMAS = {
    "dbc": "tools/tinybms_gateway/can/victron_bms.dbc",
    "registers": "tools/tinybms_gateway/bms/tinybms_registers.json",
    "settings": "components/settings/settings_table.c",
}
API_PATTERNS = ("*openapi.yaml", "*openapi.yml", "*openapi.json")
LARGEST_SCHEMA = 8 << 20
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Made:
    """A record that was made: where it is, and whether it already existed with the same content."""

    path: Path
    record: Record
    was_there: bool


def measure(root: Path, releases: Path, build: Path, configuration: Path, allow_dirty: bool) -> Subject:
    """What the tree and its build are now.

    Raises:
        OSError: a file is missing.
        ValueError: the tree has uncommitted changes, or the build is not of this tree.
    """
    repository = Repository(root)
    changed = require_clean(repository, releases, allow_dirty)
    version = versions.of_tree(repository.root)
    files = artefacts.measure(build)
    config = sdkconfig.read(configuration)
    head = repository.head()
    artefacts.require_built_from(repository, head, build, configuration)
    try:
        return Subject(
            version=version,
            git=Git(hash=head.hash, committed=head.time, dirty=bool(changed), changed=tuple(changed)),
            build=artefacts.describe(build, version, files),
            artefacts=files,
            sdkconfig=Sdkconfig(sha256=config.sha256, removed=config.removed, text=config.text),
            schemas=schemas_of(repository),
        )
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"{build}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def require_clean(repository: Repository, releases: Path, allow_dirty: bool) -> list[str]:
    """The files that differ from the commit; refused if there are any, unless they are allowed."""
    changed = repository.changed_files(apart_from=releases)
    if changed and not allow_dirty:
        raise ValueError(
            f"{repository.root}: uncommitted changes: {some_of(changed)}; commit or remove them "
            "(--allow-dirty continues, but such a record can never be tagged)"
        )
    return changed


def make_record(subject: Subject, releases: Path, replace: bool) -> Made:
    """Write the record of a build, unless it already exists.

    Raises:
        OSError: it cannot be written.
        ValueError: there is a record of the same version from another build, and it is not to be replaced.
    """
    path = record_model.record_path(releases, subject.version)
    with record_model.locked(path):
        if path.is_file():
            present = _present(path, replace)
            if present is not None and present.subject_sha256 == subject.sha256():
                return Made(path, present, was_there=True)
            if not replace:
                commit = present.subject.git.hash[:10] if present else "?"
                raise ValueError(
                    f"{path}: there is a record of another build of {subject.version}, of commit {commit}; --replace "
                    "starts a new one without its sign-offs and results, and keeps the old one under another name"
                )
            _keep_a_copy(path)
        record = record_model.new_record(subject)
        record_model.write_record(path, record)
    return Made(path, record, was_there=False)


def deployment(site: str, day: str | None) -> dict[str, Any]:
    """The entry `deployment`: where and when the release was installed.

    Args:
        site: name of the place
        day: ISO date or date and time, with an offset; None: now

    Raises:
        ValueError: there is no such date, or the name is empty or has more than one line.
    """
    name = site.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise ValueError("--site: give the name of a place, one line of at most 200 characters")
    return {"site": name, "date": _date(day)}


def schemas_of(repository: Repository) -> dict[str, Schema]:
    """The descriptions that firmware and tools share, as far as the tree has them."""
    paths = {name: path for name, path in SCHEMAS.items() if repository.tracked(path)}
    for path in repository.tracked(*API_PATTERNS)[:1]:
        paths["api"] = path
    return {name: _schema(repository.root, path) for name, path in paths.items()}


def some_of(names: list[str]) -> str:
    """A few names for a line of text, and how many there are more."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def summary(path: Path, record: Record) -> dict[str, Any]:
    """What a record says, for JSON and for people: without the text of the sdkconfig."""
    content = record.model_dump(mode="json")
    content["subject"]["sdkconfig"].pop("text")
    signed = record.valid_sign_offs()
    return {"path": str(path), "signed_off": {role: role in signed for role in record_model.ROLES}, **content}


def _present(path: Path, replace: bool) -> Record | None:
    """The existing record; None: it cannot be used and is to be replaced."""
    try:
        return record_model.load_record(path)
    except ValueError as error:
        if replace:
            return None
        raise ValueError(f"{error}; --replace starts a new one, and keeps this file under another name") from None


def _keep_a_copy(path: Path) -> None:
    """Keep a record that another one replaces. It is not renamed: if the new one then could not be written, as on a
    full disk, there would be no record of this version left."""
    sha256, _ = hash_file(path)
    with replaced(path.with_name(f"{path.stem}.replaced-{sha256[:8]}.json")) as file:
        file.write(path.read_bytes())


def _schema(root: Path, path: str) -> Schema:
    sha256, _ = hash_file(root / path)
    text = read_text(root / path, LARGEST_SCHEMA)
    if path.endswith(".dbc"):
        match = re.search(r'^VERSION "([^"]+)"', text, re.MULTILINE)
    elif path.endswith(".json"):
        match = re.search(r'^\s*"(?:schema_)?version"\s*:\s*"?([\w.+-]+)', text, re.MULTILINE)
    else:
        match = re.search(r"^\s+version:\s*['\"]?([\w.+-]+)", text, re.MULTILINE)
    return Schema(path=path, sha256=sha256, version=match[1] if match else None)


def _date(text: str | None) -> str:
    if text is None:
        return datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        raise ValueError(f"--date: {text[:40]!r} is not a date such as 2026-03-04 or 2026-03-04T09:30+01:00") from None
    if len(text) <= len("YYYY-MM-DD"):
        return moment.date().isoformat()
    if moment.tzinfo is None:
        raise ValueError(f"--date: {text}: a time needs its offset from UTC, such as {text}+01:00")
    return moment.isoformat()
