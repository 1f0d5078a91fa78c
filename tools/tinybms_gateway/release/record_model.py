"""The record of a release: what was built from what, what it was tested with, who agreed, and where it runs.

One JSON file for each version, in the folder of releases beside the archive; docs/releases.md describes it. What makes
the release (`Subject`) is written once. What comes later are entries and sign-offs; a sign-off holds for only one
subject.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from tinybms_gateway.release.files import is_safe_name, read_text, replaced
from tinybms_gateway.release.version import checked, is_version

SCHEMA = 1
LARGEST = 16 << 20
LOCK_WITHIN_S = 30.0
ROLES = ("firmware", "victron", "qa")

Result = TypeVar("Result")
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GitHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Role = Literal["firmware", "victron", "qa"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Git(_Part):
    """The source: commit, when it was committed, and what differed from it."""

    hash: GitHash
    committed: AwareDatetime
    dirty: bool = False
    changed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> "Git":
        if self.dirty != bool(self.changed):
            raise ValueError("'dirty' and 'changed' contradict each other")
        return self


class Build(_Part):
    """What built it, from the application image and the build directory; None: not known."""

    project: Line
    target: str | None = None
    idf_version: Line
    compiler: str | None = None
    compiler_version: str | None = None
    tool_chain: str | None = None
    compiled: str | None = None
    elf_sha256: Sha256


class Artefact(_Part):
    """A file of the build directory: hash and size in bytes."""

    sha256: Sha256
    size: int = Field(ge=0)


class Sdkconfig(_Part):
    """The configuration without secrets: its hash, its text, and the options whose values were removed."""

    sha256: Sha256
    removed: tuple[str, ...] = ()
    text: str = Field(max_length=4 << 20)

    @model_validator(mode="after")
    def _hash(self) -> "Sdkconfig":
        if hashlib.sha256(self.text.encode()).hexdigest() != self.sha256:
            raise ValueError("the text does not have this hash")
        return self


class Schema(_Part):
    """A description that firmware and tools share: file of the tree, its hash, and its own version if it has one."""

    path: str
    sha256: Sha256
    version: str | None = None


class Subject(_Part):
    """What a release is. Two builds with the same subject are the same release."""

    version: str
    git: Git
    build: Build
    artefacts: dict[str, Artefact] = Field(min_length=1, max_length=200)
    sdkconfig: Sdkconfig
    schemas: dict[str, Schema]

    @field_validator("version")
    @classmethod
    def _version(cls, text: str) -> str:
        return checked(text)

    @field_validator("artefacts")
    @classmethod
    def _names(cls, artefacts: dict[str, Artefact]) -> dict[str, Artefact]:
        for name in artefacts:
            if not is_safe_name(name):
                raise ValueError(f"{name[:80]!r} is not a name for an artefact")
        return artefacts

    def sha256(self) -> str:
        """Hash over everything in it: JSON with sorted keys and without spaces."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Entry(_Part):
    """Something that was added later: `deployment`, `result`, `check` or another kind; `data` is the kind's own."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    time: AwareDatetime
    data: dict[str, Any]


class SignOff(_Part):
    """A role's agreement with one subject: who, when, and what they have to say."""

    role: Role
    by: Line
    time: AwareDatetime
    comment: str = Field(default="", max_length=2000)
    subject_sha256: Sha256


class Record(BaseModel):
    """The record of a release."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    created: AwareDatetime
    subject: Subject
    subject_sha256: Sha256
    entries: list[Entry] = []
    sign_offs: list[SignOff] = []

    @model_validator(mode="after")
    def _untouched(self) -> "Record":
        if self.subject.sha256() != self.subject_sha256:
            raise ValueError(
                "it was edited by hand: its data about the build no longer match the hash in subject_sha256"
            )
        return self

    def valid_sign_offs(self) -> dict[str, SignOff]:
        """The last sign-off of each role for this very subject."""
        return {
            sign_off.role: sign_off for sign_off in self.sign_offs if sign_off.subject_sha256 == self.subject_sha256
        }


def new_record(subject: Subject) -> Record:
    """A record of a build, with nothing added yet."""
    return Record(created=_now(), subject=subject, subject_sha256=subject.sha256())


def record_path(releases: Path, version: str) -> Path:
    """Where the record of a version is.

    Raises:
        ValueError: it is not a version.
    """
    return releases / f"{checked(version)}.json"


def require_there(path: Path) -> None:
    """Refuse, with what to do, the path of a record that does not exist.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such record; make it with 'tinybms-gw release record'")


def parse_record(text: str, name: str | Path) -> Record:
    """Read a record from its JSON text.

    Raises:
        ValueError: it is not one; the line names it by `name`.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{name}: not a usable release record: {_first_problem(text, error)}") from None


def load_record(path: Path) -> Record:
    """Read a record.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not one, or was edited by hand where it must not be, or its version does not match its name.
    """
    require_there(path)
    record = parse_record(read_text(path, LARGEST), path)
    if is_version(path.stem) and record.subject.version != path.stem:
        raise ValueError(
            f"{path}: the record of version {record.subject.version}; name it {record.subject.version}.json"
        )
    return record


def add_entry(path: Path, kind: str, entry: dict[str, Any]) -> None:
    """Add an entry with the current time to a record; safe with several writers at once, and against a power cut.

    Args:
        path: the record, which must exist
        kind: short word, lower case: `check`, `result`, `deployment`...
        entry: anything that JSON can hold

    Raises:
        OSError: the record cannot be read or written.
        ValueError: it is not a record, another program holds it for too long, or JSON cannot hold the entry.
    """
    try:
        data = json.loads(json.dumps(entry, allow_nan=False))
        added = Entry(kind=kind, time=_now(), data=data)
    except ValidationError as error:
        raise ValueError(f"{kind[:60]!r}: not an entry for a record: {error.errors()[0]['msg']}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"an entry {kind!r} that JSON cannot hold: {error}") from None
    change_record(path, lambda record: record.entries.append(added))


def add_sign_off(path: Path, role: str, by: str, comment: str = "") -> SignOff:
    """Add a role's agreement with what the record holds now.

    Raises:
        OSError: the record cannot be read or written.
        ValueError: it is not a record, or of a dirty tree, or there is no such role or name.
    """

    def sign(record: Record) -> SignOff:
        if record.subject.git.dirty:
            raise ValueError(f"{path}: built from a tree with uncommitted changes; that cannot be signed off")
        values = {"role": role, "by": by, "comment": comment.strip()}
        try:
            sign_off = SignOff.model_validate({**values, "time": _now(), "subject_sha256": record.subject_sha256})
        except ValidationError as error:
            problem = error.errors()[0]
            raise ValueError(f"sign-off: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
        record.sign_offs.append(sign_off)
        return sign_off

    return change_record(path, sign)


def change_record(path: Path, change: Callable[[Record], Result]) -> Result:
    """Read a record, change it and write it, alone.

    Raises:
        OSError: it cannot be read or written.
        ValueError: it is not a record, or another program holds it for too long.
    """
    require_there(path)
    with locked(path):
        record = load_record(path)
        result = change(record)
        write_record(path, record)
    return result


def locked(path: Path) -> FileLock:
    """The lock that every writer of a record must hold, to be used in a `with`; the lock file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _RecordLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_WITHIN_S)


def write_record(path: Path, record: Record) -> None:
    """Write a record; the caller holds its lock."""
    text = json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    if len(text.encode()) > LARGEST:
        raise ValueError(f"{path}: the record would become larger than {LARGEST >> 20} MB")
    with replaced(path) as file:
        file.write(text.encode())


class _RecordLock(FileLock):  # type: ignore[misc, unused-ignore]
    def acquire(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().acquire(*args, **kwargs)
        except Timeout:
            raise ValueError(f"{self.lock_file}: another program has held the record for {LOCK_WITHIN_S:g} s") from None


def _first_problem(text: str, error: ValidationError) -> str:
    try:
        version = json.loads(text).get("schema_version")
    except (ValueError, AttributeError, RecursionError):
        version = SCHEMA
    if isinstance(version, int) and version > SCHEMA:
        return f"its schema version is {version}, but this program knows {SCHEMA}; use a newer one"
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where + ': ' if where else ''}{problem['msg'].removeprefix('Value error, ')}"


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
