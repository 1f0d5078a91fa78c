"""Files of a release: their hashes, names that are safe, and writing that is all or nothing."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

CHUNK = 1 << 20
SAFE_PART = re.compile(r"[A-Za-z0-9_+=@,][A-Za-z0-9_.+=@, -]*")


def hash_file(path: Path, seen: Callable[[bytes], None] = lambda _chunk: None) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file; `seen` gets every chunk of it."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            seen(chunk)
    return digest.hexdigest(), size


def is_safe_name(name: str) -> bool:
    """Whether a relative path has only plain parts: none climbs, hides, or is read differently by sha256sum."""
    return len(name) <= 200 and all(SAFE_PART.fullmatch(part) for part in name.split("/"))


def inside(folder: Path, name: str) -> Path:
    """The file of a folder that a relative name leads to.

    Raises:
        ValueError: the name is not a plain one, or a link leads out of the folder.
        FileNotFoundError: there is no such file.
    """
    if not is_safe_name(name):
        raise ValueError(f"{name!r}: not a name for a file of a release")
    path = folder / PurePosixPath(name)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path}: a link that leads out of {folder}; put the file itself there")
    return path


def read_text(path: Path, at_most: int) -> str:
    """Text of a small file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger than `at_most` bytes, or not UTF-8.
    """
    with path.open("rb") as file:
        data = file.read(at_most + 1)
    if len(data) > at_most:
        raise ValueError(f"{path}: larger than {at_most} bytes, so not the expected file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}") from None


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """Write a file under another name and rename it when it is complete and on the disk.

    A reader meanwhile, or after a power cut, finds either the old or the new content, which `whole_file` does not
    promise after a power cut. Not for two writers at once: the other name is always the same, so that leftovers of a
    power cut are overwritten.

    Raises:
        OSError: it cannot be written.
        ValueError: something other than a file is there.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is not a regular file, and would be replaced by one")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
