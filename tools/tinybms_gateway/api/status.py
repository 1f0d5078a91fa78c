"""``tinybms-gw api status``: which gateway this is."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("status", "/api/v1/status")
def status_command(answer: dict[str, Any]) -> None:
    """Show the name of the gateway and its firmware version.

    \b
    Examples:
      tinybms-gw api status --url http://192.168.1.20
      tinybms-gw api status --url https://gw7.lan --ca site.pem --json | jq -r .version
    """
    view.print_facts(answer)
