"""Options and words that the release commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, usage_errors
from tinybms_gateway.release import version as versions

with lazy_imports():
    from tinybms_gateway.release import record_model

RELEASES_VARIABLE = "TINYBMS_RELEASES"


def in_tree(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the source tree and the folder of the records; errors become one line."""

    @click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
                  show_default="current directory", help="Root of the source tree.")  # fmt: skip
    @click.option("--releases", type=click.Path(path_type=Path, file_okay=False), envvar=RELEASES_VARIABLE,
                  metavar="DIR", show_default="releases/ in the tree", show_envvar=True,
                  help="Directory of records and archives, shared by the team.")  # fmt: skip
    @functools.wraps(command)
    def with_tree(root: Path, releases: Path | None, **options: Any) -> None:
        with usage_errors():
            command(root=root, releases=releases or root / "releases", **options)

    return with_tree


def freeze_options(command: Callable[..., None]) -> Callable[..., None]:
    """--branch and --policy: what is frozen, and when."""
    command = click.option("--policy", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                           show_default="ota/policy.yaml in the tree", help="Update policy.")(command)  # fmt: skip
    return click.option("--branch", default="release", show_default=True, metavar="NAME",
                        help="Frozen branch, local and on origin.")(command)  # fmt: skip


def version_argument(required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The argument that names a version, X.Y.Z; without it, where it is optional, the one in version.txt."""

    def check(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:

        if value is not None:
            try:
                versions.checked(value.removeprefix("v"))
            except ValueError as error:
                raise UsageProblem(str(error)) from None
        return value.removeprefix("v") if value is not None else None

    metavar = "X.Y.Z" if required else "[X.Y.Z]"
    return click.argument("version", required=required, metavar=metavar, callback=check)


def record_file(root: Path, releases: Path, version: str | None) -> Path:
    """The record of a version, or of the one in version.txt."""
    return record_model.record_path(releases, version.removeprefix("v") if version else versions.of_tree(root))
