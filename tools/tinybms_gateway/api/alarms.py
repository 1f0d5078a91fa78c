"""``tinybms-gw api alarms``: every alarm and warning."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("alarms", "/api/v1/alarms")
def alarms_command(answer: dict[str, Any]) -> None:
    """Show every alarm and warning, and the open faults of the BMS.

    \b
    Examples:
      tinybms-gw api alarms --url http://192.168.1.20
      tinybms-gw api alarms --url http://192.168.1.20 --json | jq -r '.fields[] | select(.alarm == "active") | .id'
    """
    view.print_records(view.records(answer, "fields"), "text", "alarm", "warning")
    view.print_facts(answer, "faults", "faults_known")
