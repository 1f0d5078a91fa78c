"""Version numbers and the file version.txt."""

import re
from pathlib import Path

from tinybms_gateway.release.files import read_text

# https://semver.org: the suggested expression, without build metadata, which a tag and a file name should not carry.
SEMVER = re.compile(
    r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?",
    re.ASCII,
)
LONGEST = 31
"""Of esp_app_desc_t.version, without its NUL."""


def is_version(text: str) -> bool:
    """Whether a text is a version, X.Y.Z or X.Y.Z-rc.1, that fits into an application image."""
    return len(text) <= LONGEST and SEMVER.fullmatch(text) is not None


def checked(text: str) -> str:
    """The version itself.

    Raises:
        ValueError: it is not one.
    """
    if not is_version(text):
        raise ValueError(f"{text[:60]!r} is not a version: give the form X.Y.Z, such as 1.4.0 or 1.4.0-rc.1")
    return text


def order(version: str) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
    """Key that sorts versions as Semantic Versioning does: 1.0.0-rc.1 before 1.0.0."""
    match = SEMVER.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is not a version")
    major, minor, patch, rest = match.groups()
    parts = tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in (rest or "").split(".") if part
    )
    return int(major), int(minor), int(patch), rest is None, parts


def of_tree(root: Path) -> str:
    """The version in version.txt.

    Raises:
        OSError: there is no such file.
        ValueError: there is no version in it.
    """
    path = root / "version.txt"
    text = read_text(path, 1000).strip()
    if not is_version(text):
        raise ValueError(f"{path}: {text[:60]!r} is not a version of the form X.Y.Z")
    return text
