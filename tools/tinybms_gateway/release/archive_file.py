"""The archive of a release: one tar.gz that holds what was built, its record and what it was tested with.

The same inputs make the same bytes: entries are sorted, times are that of the commit, there are no owners.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from tinybms_gateway.progress import progress_bar
from tinybms_gateway.release import artefacts, record_model, sbom, sdkconfig
from tinybms_gateway.release.files import CHUNK, hash_file, inside, is_safe_name, read_text, replaced
from tinybms_gateway.release.git import Repository
from tinybms_gateway.release.record.contents import require_clean
from tinybms_gateway.release.record_model import Record

SUMS = "SHA256SUMS"
RECORD = "record.json"
SBOM = "sbom.spdx.json"
SDKCONFIG = "sdkconfig"
PARTITIONS = "partitions.csv"
COMPRESSION = 6
LARGEST_FILE = 8 << 30


@dataclass(frozen=True)
class Inputs:
    """What goes into an archive besides the artefacts: captures, the log of the first start, the configuration."""

    build: Path
    sdkconfig: Path
    captures: list[Path] = field(default_factory=list)
    monitor_log: Path | None = None


@dataclass(frozen=True)
class Content:
    """One file of the archive: where it comes from (a file, or bytes), its hashes and size."""

    source: Path | bytes
    sha256: str
    size: int
    sha1: str = ""


def make_archive(
    root: Path, releases: Path, version: str, inputs: Inputs, output: Path | None, allow_dirty: bool
) -> Path:
    """Write the archive and a file with its hash beside it; returns the archive.

    Raises:
        OSError: a file is missing, or cannot be read or written.
        ValueError: the tree, the build or the configuration is not that of the record, or a password would get into it.
    """
    repository = Repository(root)
    require_clean(repository, releases, allow_dirty)
    record = record_model.load_record(record_model.record_path(releases, version))
    contents = _contents(repository, record, inputs, allow_dirty)
    archive = output or releases / f"{artefacts.APP}-{version}.tar.gz"
    if not archive.name.endswith((".tar.gz", ".tgz")):
        raise ValueError(f"{archive}: the name of an archive must end with .tar.gz")
    with replaced(archive) as file:
        _write(file, contents, f"{artefacts.APP}-{version}", int(record.subject.git.committed.timestamp()))
    sha256, _ = hash_file(archive)
    with replaced(archive.with_name(f"{archive.name}.sha256")) as file:
        file.write(f"{sha256}  {archive.name}\n".encode())
    return archive


def _contents(repository: Repository, record: Record, inputs: Inputs, allow_dirty: bool) -> dict[str, Content]:
    """Every file of the archive by its name in it, checked against the record."""
    subject = record.subject
    if subject.git.dirty and not allow_dirty:
        raise ValueError(f"the record of {subject.version} is of a tree with changes; --allow-dirty archives it anyway")
    config = sdkconfig.read(inputs.sdkconfig)
    if config.sha256 != subject.sdkconfig.sha256:
        raise ValueError(f"{inputs.sdkconfig}: not the one of the record; build again, then 'release record --replace'")
    secrets = {*config.secrets, *_local_secrets(repository.root)}
    _require_no_secret_added(record, secrets)
    files = _files(record, inputs)
    contents: dict[str, Content] = {}
    with progress_bar("reading", sum(path.stat().st_size for path in files.values())) as done:
        total = 0
        for name, path in files.items():
            contents[name] = _read(path, secrets)
            total += contents[name].size
            done(total)
    _require_recorded(record, contents, inputs.build)
    sha1 = {name: contents[f"build/{name}"].sha1 for name in record.subject.artefacts}
    for name, text in (
        (RECORD, record.model_dump_json(indent=2) + "\n"),
        (SDKCONFIG, config.text),
        (PARTITIONS, _partitions(repository, record)),
        (SBOM, sbom.make(record, artefacts.components(inputs.build), sha1)),
    ):
        contents[name] = _bytes(text)
    sums = "".join(f"{content.sha256}  {name}\n" for name, content in sorted(contents.items()))
    contents[SUMS] = _bytes(sums)
    return contents


def _files(record: Record, inputs: Inputs) -> dict[str, Path]:
    """The files that are taken as they are, by their names in the archive."""
    built = artefacts.files_of(inputs.build)
    files = {f"build/{name}": inside(inputs.build, name) for name in sorted({*built, *record.subject.artefacts})}
    others = [(f"captures/{capture.name}", capture) for capture in inputs.captures]
    if inputs.monitor_log is not None:
        others.append(("monitor.log", inputs.monitor_log))
    for name, path in others:
        if not is_safe_name(name):
            raise ValueError(f"{path}: rename it: only letters, digits and .-_+=@, and no dot or dash at the start")
        if name in files:
            raise ValueError(f"{path}: there are two captures of this name; rename one")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: missing")
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{path}: larger than {LARGEST_FILE >> 30} GB; archive a part of it ('can convert')")
        files[name] = path
    return files


def _partitions(repository: Repository, record: Record) -> str:
    """The partition table as it was in the commit that was built, or in the tree with its changes."""
    git = record.subject.git
    if git.dirty:
        return read_text(inside(repository.root, PARTITIONS), sdkconfig.LARGEST)
    text = repository.show(git.hash, PARTITIONS)
    if text is None:
        raise ValueError(f"{PARTITIONS} of commit {git.hash[:10]} is not in this repository; run 'git fetch'")
    return text


def _require_recorded(record: Record, contents: dict[str, Content], build: Path) -> None:
    for name, artefact in record.subject.artefacts.items():
        if contents[f"build/{name}"].sha256 != artefact.sha256:
            raise ValueError(
                f"{build / name}: not the one of the record (another build?); build {record.subject.git.hash[:10]} "
                "again, or 'release record --replace'"
            )
    recorded = {f"build/{name}" for name in record.subject.artefacts}
    new = [name for name in contents if name.startswith("build/") and name not in recorded]
    if new:
        raise ValueError(f"{', '.join(new)}: not in the record; 'release record --replace'")


def _read(path: Path, secrets: set[bytes]) -> Content:
    finder = sdkconfig.SecretFinder(secrets)
    sha1 = hashlib.sha1(usedforsecurity=False)

    def seen(chunk: bytes) -> None:
        finder(chunk)
        sha1.update(chunk)

    sha256, size = hash_file(path, seen)
    if finder.found:
        raise ValueError(
            f"{path}: holds a password of the sdkconfig; build without sdkconfig.local, save passwords as settings of "
            "the device, and leave out logs that show them"
        )
    return Content(path, sha256, size, sha1.hexdigest())


def _require_no_secret_added(record: Record, secrets: set[bytes]) -> None:
    """What was attached to the record, or is written in it, is other people's text."""
    finder = sdkconfig.SecretFinder(secrets)
    finder(record.model_dump_json(include={"entries", "sign_offs"}).encode())
    if finder.found:
        raise ValueError(
            f"the record of {record.subject.version}: an entry or a comment holds a password of the sdkconfig; "
            "'release record --replace' starts one without them"
        )


def _bytes(text: str) -> Content:
    data = text.encode()
    return Content(data, hashlib.sha256(data).hexdigest(), len(data))


def _local_secrets(root: Path) -> tuple[bytes, ...]:
    local = root / "sdkconfig.local"
    return sdkconfig.without_secrets(read_text(local, sdkconfig.LARGEST)).secrets if local.is_file() else ()


def _write(file: IO[bytes], contents: dict[str, Content], folder: str, time: int) -> None:
    with (
        progress_bar("writing", sum(content.size for content in contents.values())) as done,
        gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=file, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as tar,
    ):
        total = 0
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = content.size, time, 0o644
            _add(tar, entry, content, partial(_shifted, done, total))
            total += content.size


def _shifted(done: Callable[[float], None], before: int, size: int) -> None:
    done(before + size)


def _add(tar: tarfile.TarFile, entry: tarfile.TarInfo, content: Content, done: Callable[[int], None]) -> None:
    if isinstance(content.source, bytes):
        tar.addfile(entry, io.BytesIO(content.source))
        return
    with content.source.open("rb") as file:
        reader = _Hashing(file, done)
        try:
            tar.addfile(entry, reader)
        except OSError as error:
            if reader.size < content.size:
                raise ValueError(
                    f"{content.source}: changed while it was read; is something still writing it?"
                ) from error
            raise
        if file.read(1) or reader.digest() != content.sha256:
            raise ValueError(f"{content.source}: changed while it was read; is something still writing it?")


class _Hashing:
    """A file that hashes what is read from it."""

    def __init__(self, file: IO[bytes], done: Callable[[int], None]) -> None:
        self._file, self._done, self._hash = file, done, hashlib.sha256()
        self.size = 0

    def read(self, size: int = CHUNK) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        self.size += len(data)
        self._done(self.size)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()
