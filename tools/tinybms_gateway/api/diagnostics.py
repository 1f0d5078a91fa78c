"""``tinybms-gw api diagnostics``: health of a gateway."""

from typing import Any

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.api import view

LISTED = ("heap", "flash", "web", "tasks")


@reading("diagnostics", "/api/v1/diagnostics")
def diagnostics_command(answer: dict[str, Any]) -> None:
    """Show the health of the gateway: memory, tasks, flash, web server.

    \b
    Examples:
      tinybms-gw api diagnostics --url http://192.168.1.20
    """
    view.print_facts({name: value for name, value in answer.items() if name not in LISTED})
    for name in LISTED[:-1]:
        view.print_facts({f"{name}_{below}": value for below, value in view.part(answer, name).items()})
    view.print_records(view.records(answer, "tasks"), "name", "stack_free_bytes", "overdue")
