"""The sections of CHANGELOG.md, in the form of Keep a Changelog 1.1.0.

Headings are found by a Markdown parser, so that a `## ` in a block of code does not count; what is between them is kept
as it is written. (The package `keepachangelog` turns every further line of an entry into an entry of its own.)
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path

from markdown_it import MarkdownIt

from tinybms_gateway.release.files import read_text

UNRELEASED = "unreleased"
LARGEST = 8 << 20
TITLE = re.compile(r"\[?(?P<version>[^\]\s]+)\]?(?:\(\S*\))?(?:\s+-\s+(?P<date>\S+))?(?P<rest>.*)")


@dataclass(frozen=True)
class Section:
    """One version: its name (`unreleased` for what has none yet), its date, and the Markdown below its heading."""

    version: str
    released: date | None
    body: str


@dataclass(frozen=True)
class Heading:
    """A heading of a Markdown text: level 1..6, its text, and the line (from 0) that it is on."""

    level: int
    title: str
    line: int


def headings(text: str) -> list[Heading]:
    """The headings of a Markdown text, in their order."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [
        Heading(int(token.tag[1:]), tokens[place + 1].content, token.map[0])
        for place, token in enumerate(tokens)
        if token.type == "heading_open" and token.map is not None and token.level == 0
    ]


def parse(text: str) -> list[Section]:
    """The sections, in the order of the file.

    Raises:
        ValueError: a date is invalid, or a version has two sections.
    """
    lines = text.splitlines()
    starts = [heading for heading in headings(text) if heading.level == 2]
    sections: dict[str, Section] = {}
    for heading, following in zip_longest(starts, starts[1:]):
        end = following.line if following else len(lines)
        version, released = _title(heading)
        if version in sections:
            raise ValueError(f"line {heading.line + 1}: a second section for {version}")
        body = "\n".join(line for line in lines[heading.line + 1 : end] if not re.match(r"\[[^\]]+\]:\s", line)).strip(
            "\n"
        )
        sections[version] = Section(version, released, body)
    return list(sections.values())


def read(root: Path) -> dict[str, Section]:
    """The sections of CHANGELOG.md by version.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not in the form.
    """
    path = root / "CHANGELOG.md"
    try:
        return {section.version: section for section in parse(read_text(path, LARGEST))}
    except ValueError as error:
        raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None


def _title(heading: Heading) -> tuple[str, date | None]:
    match = TITLE.fullmatch(heading.title.strip())
    if match is None:
        raise ValueError(f"line {heading.line + 1}: {heading.title!r} is not of the form '[X.Y.Z] - YYYY-MM-DD'")
    version = match["version"]
    if version.lower() == UNRELEASED:
        return UNRELEASED, None
    if match["date"] is None:
        return version, None
    try:
        return version, date.fromisoformat(match["date"])
    except ValueError:
        raise ValueError(f"line {heading.line + 1}: {match['date']!r} is not a date of the form YYYY-MM-DD") from None
