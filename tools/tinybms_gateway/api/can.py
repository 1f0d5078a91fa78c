"""``tinybms-gw api can``: the CAN node of a gateway."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("can", "/api/v1/can")
def can_command(answer: dict[str, Any]) -> None:
    """Show the state of the CAN node, its counters, and the GX.

    \b
    Examples:
      tinybms-gw api can --url http://192.168.1.20
    """
    view.print_facts(answer)
