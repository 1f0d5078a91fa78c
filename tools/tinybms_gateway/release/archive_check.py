"""Check an archive of a release without unpacking it."""

import gzip
import hashlib
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from tinybms_gateway.progress import progress_bar
from tinybms_gateway.release import record_model, sbom, sdkconfig
from tinybms_gateway.release.archive_file import RECORD, SBOM, SDKCONFIG, SUMS
from tinybms_gateway.release.files import CHUNK, hash_file, is_safe_name, read_text
from tinybms_gateway.release.record_model import Record

MOST_FILES = 10_000
MOST_BEHIND = 1 << 20
LARGEST_READ = record_model.LARGEST
READ = (RECORD, SBOM, SDKCONFIG, SUMS)
SUM_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
PROBLEMS_SHOWN = 50


class NoArchiveError(ValueError):
    """The file cannot be read as an archive to its end."""


@dataclass
class Archive:
    """What is in the file: hash of each entry, the texts that are checked, and what is wrong with it."""

    hashes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    version: str | None = None


def verify(path: Path) -> Archive:
    """Check an archive against the hash beside it (if there is one), its SHA256SUMS, record and bill of materials.

    Raises:
        OSError: the file cannot be read.
    """
    archive = Archive()
    try:
        _read(path, archive)
    except (tarfile.TarError, EOFError, zlib.error, NoArchiveError) as error:
        archive.problems.append(f"cannot be read as an archive: {error}")
        return archive
    except OSError as error:
        if error.errno is not None:
            raise
        archive.problems.append(f"cannot be read as an archive: {error}")  # what gzip raises for a wrong header
        return archive
    _check_hash_beside(path, archive)
    _check_sums(archive)
    record = _check_record(archive)
    if record is not None:
        archive.version = record.subject.version
        _check_sbom(archive, record)
    return archive


def _read(path: Path, archive: Archive) -> None:
    folders = set()
    with (
        progress_bar("checking", path.stat().st_size) as done,
        path.open("rb") as file,
        gzip.open(file) as content,
        tarfile.open(fileobj=content, mode="r|") as tar,
    ):
        for number, entry in enumerate(tar):
            if number >= MOST_FILES:
                raise NoArchiveError(f"more than {MOST_FILES} entries")
            folder, _, name = entry.name.partition("/")
            folders.add(folder)
            if not entry.isreg() or not is_safe_name(entry.name) or not name:
                raise NoArchiveError(f"{entry.name[:100]!r} is not a plain file with a plain name")
            if name in archive.hashes:
                raise NoArchiveError(f"{name} occurs twice in it")
            _hash(tar, entry, name, archive)
            done(file.tell())
        if len(content.read(MOST_BEHIND + 1)) > MOST_BEHIND:  # to the end, where gzip's own checksum is
            raise NoArchiveError("there is more after its end")
    if len(folders) != 1:
        raise NoArchiveError(f"it holds {len(folders)} folders, not one")


def _hash(tar: tarfile.TarFile, entry: tarfile.TarInfo, name: str, archive: Archive) -> None:
    content = tar.extractfile(entry)
    if content is None:
        raise NoArchiveError(f"{name} has no content")
    if name in READ and entry.size > LARGEST_READ:
        raise NoArchiveError(f"{name} is larger than {LARGEST_READ >> 20} MB")
    digest, kept = hashlib.sha256(), b""
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        if name in READ:
            kept += chunk
    archive.hashes[name] = digest.hexdigest()
    if name in READ:
        archive.texts[name] = kept.decode("utf-8", errors="replace")


def _check_hash_beside(path: Path, archive: Archive) -> None:
    beside = path.with_name(f"{path.name}.sha256")
    if beside.is_file() and hash_file(path)[0] not in read_text(beside, LARGEST_READ).split():
        archive.problems.append(f"does not have the checksum in {beside.name}")


def _check_sums(archive: Archive) -> None:
    listed = {}
    if SUMS not in archive.texts:
        archive.problems.append(f"{SUMS}: missing")
        return
    for line in archive.texts[SUMS].splitlines():
        match = SUM_LINE.fullmatch(line)
        if match is None:
            archive.problems.append(f"{SUMS}: {line[:80]!r} is not a checksum and a name")
            return
        listed[match[2]] = match[1]
    present = set(archive.hashes) - {SUMS}
    archive.problems += [f"{name}: missing" for name in sorted(set(listed) - present)]
    archive.problems += [f"{name}: not listed in {SUMS}" for name in sorted(present - set(listed))]
    archive.problems += [
        f"{name}: does not have the checksum in {SUMS}"
        for name in sorted(present & set(listed))
        if archive.hashes[name] != listed[name]
    ]


def _check_record(archive: Archive) -> Record | None:
    if RECORD not in archive.texts:
        archive.problems.append(f"{RECORD}: missing")
        return None
    try:
        record = record_model.parse_record(archive.texts[RECORD], RECORD)
    except ValueError as error:
        archive.problems.append(str(error))
        return None
    built = {name.removeprefix("build/"): value for name, value in archive.hashes.items() if name.startswith("build/")}
    expected = {name: artefact.sha256 for name, artefact in record.subject.artefacts.items()}
    archive.problems += [
        f"build/{name}: not the one in the record"
        for name in sorted({*built, *expected})
        if built.get(name) != expected.get(name)
    ]
    if archive.hashes.get(SDKCONFIG) != record.subject.sdkconfig.sha256:
        archive.problems.append(f"{SDKCONFIG}: not the one in the record")
    elif not sdkconfig.is_clean(archive.texts[SDKCONFIG]):
        archive.problems.append(f"{SDKCONFIG}: holds a password")
    return record


def _check_sbom(archive: Archive, record: Record) -> None:
    if SBOM not in archive.texts:
        archive.problems.append(f"{SBOM}: missing")
        return
    try:
        files = sbom.check(archive.texts[SBOM])
    except ValueError as error:
        archive.problems.append(f"{SBOM}: {error}")
        return
    expected = {f"build/{name}": artefact.sha256 for name, artefact in record.subject.artefacts.items()}
    if files != expected:
        archive.problems.append(f"{SBOM}: does not list the artefacts of the record")
