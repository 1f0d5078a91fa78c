"""Files that are written completely or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

LONGEST_HINT = 100
"""Characters of a file's name in that of its part: names have at most 255 bytes."""


def check_place(path: Path, *, source: Path | None = None, force: bool = False) -> None:
    """Check that a file may be written, before the long work.

    Args:
        path: the file that is wanted
        source: the capture that it is made from, which must not be overwritten
        force: overwrite it if it exists

    Raises:
        ValueError: it is the source itself, it exists and may not be overwritten, it is not a regular file (a device
            would be replaced by one), or its directory is missing.
    """
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise ValueError(f"{path}: is the capture itself")
    if path.is_dir():
        raise ValueError(f"{path}: is a directory; give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is not a regular file, and would be replaced by one")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such directory")
    if path.exists() and not force:
        raise ValueError(f"{path}: already exists; give another name, or --force to overwrite it")


@contextlib.contextmanager
def whole_file(path: Path, *, force: bool = False, private: bool = False) -> Iterator[Path]:
    """Write under another name beside it, and rename it when the context ends well; otherwise nothing is left.

    Args:
        path: the file that is wanted; of a link the file to which it leads
        force: overwrite it if it exists
        private: only its owner may read it

    Yields:
        The name to write to; hidden, and with a suffix that marks it as a part. It already exists, and is empty.

    Raises:
        ValueError: as `check_place`.
        OSError: nothing can be written there; names the file that is wanted.
    """
    check_place(path, force=force)
    target = path.resolve()
    part = target.with_name(f".{target.name[:LONGEST_HINT]}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(0o600 if private else 0o666, exist_ok=False)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file, over an existing one; a private one only its owner may read.

    Raises:
        ValueError: as `check_place`.
        OSError: it cannot be written.
    """
    with whole_file(path, force=True, private=private) as part:
        part.write_text(text, encoding="utf-8")
