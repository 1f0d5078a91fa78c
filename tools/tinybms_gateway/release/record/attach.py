"""``tinybms-gw release record attach``: results of tests by reference, with hash and key figures."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
from junitparser import JUnitXml, JUnitXmlError

from tinybms_gateway.command_line import lazy_imports
from tinybms_gateway.release.files import hash_file, read_text
from tinybms_gateway.release.options import in_tree, record_file
from tinybms_gateway.release.sdkconfig import without_passwords

with lazy_imports():
    from tinybms_gateway.release import record_model

LARGEST_PARSED = 32 << 20
SECRET_KEY = re.compile("pass|secret|token|psk|key|credential", re.IGNORECASE)
"""Rather one value too few: a record is passed around."""


def describe(file: Path) -> dict[str, Any]:
    """The entry `result` of a file: name, hash and size, and what is in it when it is `bench`, `junit` or `json`.

    Raises:
        OSError: it cannot be read.
        ValueError: its name says that it is JSON or XML, but it is not.
    """
    sha256, size = hash_file(file)
    about: dict[str, Any] = {"name": file.name, "sha256": sha256, "size": size, "form": "file"}
    if file.suffix == ".xml":
        about |= {"form": "junit", "summary": _junit(file)}
    elif file.suffix == ".json":
        content = _json(file)
        figures = _bench(content)
        if figures is not None:
            about |= {"form": "bench", "summary": figures}
        else:
            about |= {"form": "json", "summary": _scalars(content)}
    return about


def _json(file: Path) -> Any:
    try:
        return json.loads(read_text(file, LARGEST_PARSED))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON: {error}") from None


def _junit(file: Path) -> dict[str, Any]:
    text = read_text(file, LARGEST_PARSED)
    if "<!ENTITY" in text:
        raise ValueError(f"{file}: a JUnit file does not declare entities")
    try:
        suites = JUnitXml.fromstring(text.encode())
        suites.update_statistics()
    except (ElementTree.ParseError, JUnitXmlError, SyntaxError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: not a JUnit file: {error}") from None
    return {name: getattr(suites, name) for name in ("tests", "failures", "errors", "skipped")}


def _bench(content: Any) -> dict[str, Any] | None:
    """Figures of `make figures`: value and unit by name, and which do not hold; None if it is something else."""
    figures = content.get("figures") if isinstance(content, dict) else None
    if not isinstance(figures, list):
        return None
    try:
        values = {str(figure["name"]): f"{figure['value']:g} {figure.get('unit', '')}".strip() for figure in figures}
        failed = [str(figure["name"]) for figure in figures if figure.get("holds") is False]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return {"figures": values, "failed": failed}


def _scalars(content: Any) -> dict[str, Any]:
    """The plain values at the top of a document, without those whose names look like secrets."""
    if not isinstance(content, dict):
        return {}
    plain = {
        name: value
        for name, value in content.items()
        if isinstance(value, bool | int | float | str) and not SECRET_KEY.search(name)
    }
    return {
        name: without_passwords(value)[:200] if isinstance(value, str) else value
        for name, value in list(plain.items())[:50]
    }


@click.command("attach")
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path, dir_okay=False, exists=True))  # fmt: skip
@click.option(
    "--version", "version", metavar="X.Y.Z", show_default="that of version.txt", help="Version of the release."
)
@in_tree
def attach_command(root: Path, releases: Path, files: tuple[Path, ...], version: str | None) -> None:
    """Attach test results by name and hash.

    figures.json with its figures, JUnit files with their counts, or any other file.

    \b
    Examples:
      tinybms-gw release record attach build-linux/figures.json verify.xml monitor.log
    """
    path = record_file(root, releases, version)
    for result in [describe(file) for file in files]:
        record_model.add_entry(path, "result", result)
    click.echo(f"{path}: {len(files)} attached")
