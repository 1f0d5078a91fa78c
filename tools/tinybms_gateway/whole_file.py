"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

LONGEST_HINT = 100
"""Characters of a file's name in that of its part: names have at most 255 bytes."""


def check_place(path: Path, *, source: Path, force: bool = False) -> None:
    """Look whether a file may be written, before the long work.

    Args:
        path: the file that is wanted
        source: the capture that it is made from
        force: overwrite it when it is there

    Raises:
        ValueError: it is the source itself, it is there and may not be overwritten, it is a directory or a device, or
            its directory is missing.
    """
    if path.exists() and source.exists() and path.samefile(source):
        raise ValueError(f"{path}: is the capture itself")
    if path.is_dir():
        raise ValueError(f"{path}: is a directory; give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is no ordinary file; give the name of one")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such directory")
    if path.exists() and not force:
        raise ValueError(f"{path}: is there already; give another name, or --force to overwrite it")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write under another name beside it, and give it its name when the context ends well; else nothing is left.

    One that is there is overwritten, see `check_place`; of a link that to which it leads.

    Yields:
        The name to write to; hidden, and with an end that says that it is a part. It is there already, and empty.

    Raises:
        OSError: nothing can be written there; names the file that is wanted.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name[:LONGEST_HINT]}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(exist_ok=False)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, over one that is there.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
