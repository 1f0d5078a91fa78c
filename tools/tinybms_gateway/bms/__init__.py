"""``tinybms-gw bms``: what the gateway knows of the TinyBMS."""

from dataclasses import asdict
from pathlib import Path

import click

from tinybms_gateway.generated import write_or_check
from tinybms_gateway.options import print_json, usage_errors


@click.group("bms")
def bms_group() -> None:
    """Show what the gateway knows of the TinyBMS."""


@bms_group.command("registers")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.option("--write", is_flag=True, help="Write the files of docs/reference instead.")
@click.option("--check", is_flag=True, help="Only check that those files are current; exit status 1 when not.")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
              show_default="present directory", help="Root of the source tree, for --write and --check.")  # fmt: skip
def registers_command(as_json: bool, write: bool, check: bool, root: Path) -> None:
    """Show the registers: address, name, type, unit, range, access."""
    from rich.console import Console  # noqa: PLC0415 - keeps --help quick
    from rich.table import Table  # noqa: PLC0415

    from tinybms_gateway.bms import registers_impl  # noqa: PLC0415

    with usage_errors():
        if write or check:
            write_or_check(root, registers_impl.generate(), check)
            return
        registers = registers_impl.load_registers()
    if as_json:
        print_json([asdict(register) for register in registers])
        return
    table = Table("register", "name", "type", "unit", "range", "access", box=None)
    for r in registers:
        table.add_row(str(r.address), r.name, r.type, r.unit, registers_impl.range_text(r), r.access)
    Console().print(table)
