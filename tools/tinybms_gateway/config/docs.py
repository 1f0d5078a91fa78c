"""``tinybms-gw config docs``: tables of docs/configuration.md, from Kconfig, settings and partition table."""

import csv
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import esp_kconfiglib.core as kconfiglib

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.gateway_process import ensure_built
from tinybms_gateway.generated import replace_between, tree_options, write_or_check

PAGE = Path("docs/configuration.md")
SOURCES_VARIABLE = "COMPONENT_KCONFIGS_SOURCE_FILE"
NO_EFFECT = re.compile(r" \(no effect on Linux.*\)")


def generate(root: Path) -> dict[Path, str]:
    """Make the page: the tree's page with new tables.

    Raises:
        OSError: a file of the tree cannot be read.
        ValueError: the native build failed, or the page has no place for a table.
    """
    options = load_kconfig(root)
    tables = {
        "settings": _settings(),
        "options": _options(_menu(options, "Component config")),
        "esp-idf": _esp_idf(root, _menu(options, "ESP-IDF")),
        "partitions": _partitions(root / "partitions.csv"),
    }
    page = (root / PAGE).read_text(encoding="utf-8")
    for name, lines in tables.items():
        page = replace_between(page, name, lines, PAGE)
    return {PAGE: page}


def load_kconfig(root: Path) -> kconfiglib.Kconfig:
    """Read the Kconfig files of all components, with the tree's defaults, as both builds do."""
    with tempfile.TemporaryDirectory(prefix="tinybms-") as directory:
        sources = Path(directory) / "kconfigs.in"
        files = sorted((root.resolve() / "components").glob("*/Kconfig"))
        sources.write_text("".join(f'source "{file}"\n' for file in files), encoding="utf-8")
        before = os.environ.get(SOURCES_VARIABLE)
        os.environ[SOURCES_VARIABLE] = str(sources)
        try:
            config = kconfiglib.Kconfig(str(root / "host/Kconfig"))
        finally:
            os.environ.pop(SOURCES_VARIABLE)
            if before is not None:
                os.environ[SOURCES_VARIABLE] = before
    config.load_config(str(root / "sdkconfig.defaults"))
    return config


def _nodes(first: kconfiglib.MenuNode | None) -> Iterator[kconfiglib.MenuNode]:
    while first is not None:
        yield first
        first = first.next


def _menu(config: kconfiglib.Kconfig, title: str) -> kconfiglib.MenuNode:
    return next(node for node in _nodes(config.top_node.list) if node.prompt and node.prompt[0] == title)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") or "-" for cell in cells) + " |"


def _header(*cells: str) -> list[str]:
    return [_row(*cells), _row(*["---"] * len(cells))]


def _range(symbol: kconfiglib.Symbol) -> str:
    return ", ".join(f"{low.str_value}..{high.str_value}" for low, high, _ in symbol.ranges)


def _value(symbol: kconfiglib.Symbol) -> str:
    return f"`{symbol.str_value}`" if symbol.str_value else "empty"


def _options(menu: kconfiglib.MenuNode) -> list[str]:
    lines: list[str] = []
    for submenu in sorted(_nodes(menu.list), key=lambda node: str(node.prompt[0])):
        lines += [f"### {submenu.prompt[0]}", "", *_header("option", "what", "range", "default", "more")]
        for node in _nodes(submenu.list):
            text = " ".join((node.help or "").split())
            symbol = node.item
            lines.append(_row(f"`CONFIG_{symbol.name}`", node.prompt[0], _range(symbol), _value(symbol), text))
        lines.append("")
    return lines[:-1]


def _esp_idf(root: Path, menu: kconfiglib.MenuNode) -> list[str]:
    set_here = set(re.findall(r"^CONFIG_(\w+)=", (root / "sdkconfig.defaults").read_text("utf-8"), re.MULTILINE))
    lines = _header("option", "value", "what", "why")
    for node in _nodes(menu.list):
        if node.item.name in set_here:
            what = NO_EFFECT.sub("", node.prompt[0])
            why = " ".join((node.help or "").split())
            lines.append(_row(f"`CONFIG_{node.item.name}`", f"`{node.item.str_value}`", what, why))
    return lines


def _settings() -> list[str]:
    """A table for each group, in the order of the form."""
    ended = subprocess.run([ensure_built(), "--settings"], capture_output=True, text=True, check=True, timeout=60)
    rows = csv.DictReader(ended.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    lines: list[str] = []
    for (title, about), settings in groupby(rows, key=lambda row: (row["group"], row["about the group"])):
        lines += [f"### {title}", "", f"{about}.", ""]
        lines += _header("setting", "what", "range", "unit", "applies", "factory value")
        for row in settings:
            factory = f"`{row['Kconfig option']}`" if row["Kconfig option"] else row["factory value"] or "empty"
            lines.append(
                _row(f"`{row['key']}`", row["meaning"], row["range"], row["unit"], row["applies"], factory),
            )
        lines.append("")
    return lines[:-1]


def _partitions(path: Path) -> list[str]:
    rows = csv.reader(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
    lines = _header("partition", "type", "subtype", "offset", "size")
    return lines + [_row(*(cell.strip() for cell in row[:5])) for row in rows]


@click.command("docs")
@tree_options
def docs_command(check: bool, root: Path) -> None:
    """Write the tables of docs/configuration.md.

    They come from the Kconfig files, the table of settings and the partition table.

    \b
    Examples:
      tinybms-gw config docs
      tinybms-gw config docs --check
    """
    with usage_errors():
        write_or_check(root, generate(root), check)
