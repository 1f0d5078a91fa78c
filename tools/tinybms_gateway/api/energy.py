"""``tinybms-gw api energy``: energy counters and capacity."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("energy", "/api/v1/energy")
def energy_command(answer: dict[str, Any]) -> None:
    """Show energy in and out, cycles, capacity, and the times to full and empty.

    \b
    Examples:
      tinybms-gw api energy --url http://192.168.1.20
    """
    view.print_facts(answer)
