"""Files of the tree that are generated from a source in it, and whether they are current."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., None])


def tree_options(command: Command) -> Command:
    """``--root`` and ``--check``, for a command that generates files of the tree."""
    check = click.option("--check", is_flag=True, help="Write nothing; exit 1 if anything is out of date.")
    root = click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
                        show_default="current directory", help="Root of the source tree.")  # fmt: skip
    return check(root(command))


def replace_between(page: str, name: str, lines: list[str], path: Path) -> str:
    """Replace what is between ``<!-- name: ... -->`` and ``<!-- end of name -->``.

    Args:
        page: the text
        name: of the markers
        lines: what goes between them
        path: of the page, for the error

    Raises:
        ValueError: there is not exactly one such pair.
    """
    pattern = re.compile(rf"(<!-- {name}: .*?-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    content = "\n".join(["", *lines, "", ""])
    replaced, count = pattern.subn(lambda match: match[1] + content + match[2], page)
    if count != 1:
        raise ValueError(f"{path}: there must be one pair of markers '<!-- {name}: ... -->', '<!-- end of {name} -->'")
    return replaced


def outdated(root: Path, files: dict[Path, str]) -> list[Path]:
    """Paths whose content in the tree is missing or differs."""
    return [
        path
        for path, content in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != content
    ]


def write_changed(root: Path, files: dict[Path, str]) -> list[Path]:
    """Write those files whose content differs; returns their paths relative to the root."""
    stale = outdated(root, files)
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return stale


def write_or_check(root: Path, files: dict[Path, str], check: bool) -> None:
    """Write what differs and say so, or only say so and end with exit status 1."""
    stale = outdated(root, files) if check else write_changed(root, files)
    for path in stale:
        click.echo(f"{path}: {'out of date' if check else 'written'}")
    if not stale:
        click.echo("everything is up to date")
    if check and stale:
        raise SystemExit(1)
