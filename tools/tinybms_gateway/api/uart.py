"""``tinybms-gw api uart``: the serial line between a gateway and its BMS."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("uart", "/api/v1/uart")
def uart_command(answer: dict[str, Any]) -> None:
    """Show the state of the serial line to the BMS, and its counters.

    \b
    Examples:
      tinybms-gw api uart --url http://192.168.1.20
    """
    view.print_facts(answer)
