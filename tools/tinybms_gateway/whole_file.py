"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Write under another name beside it, and give it its name when the context ends well; else nothing is left.

    Args:
        path: the file that is wanted
        force: overwrite it when it is there

    Yields:
        The name to write to; hidden, and with an end that says that it is a part.

    Raises:
        ValueError: the file is there and may not be overwritten, or is no file (a device would be replaced by one), or
            its directory is missing.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a directory")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is no file, and would be replaced by one")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such directory")
    if path.exists() and not force:
        raise ValueError(f"{path}: is there already; give another name, or --force to overwrite it")
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
