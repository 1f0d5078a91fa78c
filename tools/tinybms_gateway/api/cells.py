"""``tinybms-gw api cells``: each cell."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("cells", "/api/v1/cells")
def cells_command(answer: dict[str, Any]) -> None:
    """Show the voltage of each cell.

    \b
    Examples:
      tinybms-gw api cells --url http://192.168.1.20
      tinybms-gw api cells --url http://192.168.1.20 --json | jq .difference_mv
    """
    view.print_facts(answer, "count", "min_mv", "max_mv", "difference_mv", "pack_checked_mv")
    view.print_records(view.records(answer, "cells"), "number", "voltage_100uv", "lowest", "highest")
