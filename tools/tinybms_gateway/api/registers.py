"""``tinybms-gw api registers``: registers of the BMS, as the gateway has read them."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("registers", "/api/v1/bms/registers")
def registers_command(answer: dict[str, Any]) -> None:
    """Show the registers of the BMS, with its own ranges and defaults.

    \b
    Examples:
      tinybms-gw api registers --url http://192.168.1.20
      tinybms-gw api registers --url http://192.168.1.20 --json | jq '.registers[] | select(.value != .default)'
    """
    names = ("address", "name", "value", "unit", "min", "max", "default", "writable", "description")
    view.print_records(view.records(answer, "registers"), *names)
    view.print_facts(answer, "settings_known", "settings_age_ms")
