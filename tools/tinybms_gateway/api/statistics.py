"""``tinybms-gw api statistics``: what the BMS has counted."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("statistics", "/api/v1/statistics")
def statistics_command(answer: dict[str, Any]) -> None:
    """Show the statistics of the BMS.

    \b
    Examples:
      tinybms-gw api statistics --url http://192.168.1.20
    """
    view.print_records(view.records(answer, "registers"), "address", "name", "value", "unit")
    view.print_facts(answer, "known", "age_ms")
