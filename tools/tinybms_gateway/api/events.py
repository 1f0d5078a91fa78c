"""``tinybms-gw api events``: events of the BMS."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view


@reading("events", "/api/v1/events")
def events_command(answer: dict[str, Any]) -> None:
    """Show the events of the BMS since the start of the gateway, newest last.

    'seen' is the time since that start.

    \b
    Examples:
      tinybms-gw api events --url http://192.168.1.20
    """
    view.print_records(view.records(answer, "events"), "seen_ms", "bms_time_s", "id", "text")
