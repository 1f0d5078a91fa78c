"""``tinybms-gw access audit``: who changed what, and when."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import click

from tinybms_gateway.api.options import LoggedIn, of_administrator
from tinybms_gateway.command_line import lazy_imports, print_json
from tinybms_gateway.foreign_text import shortened

with lazy_imports():
    from tinybms_gateway import terminal
    from tinybms_gateway.api import view

AUDIT_PATH = "/api/v1/audit"
NOT_KNOWN = "not known"


@click.command("audit")
@of_administrator
@click.option("--json", "as_json", is_flag=True, help="Print the answer as the gateway gave it.")
def audit_command(logged_in: LoggedIn, as_json: bool) -> None:
    """Show the audit log: who changed what, and when; the oldest entry first.

    The time is UTC; when the clock of the gateway was not set, it is counted from one of its starts. An outcome that is
    not known means that the power went in the middle of the change.

    \b
    Examples:
      tinybms-gw access audit --url http://192.168.1.20
      tinybms-gw access audit --url http://192.168.1.20 --json | jq -r '.entries[] | select(.name == "deploy") | .what'
    """
    with logged_in() as opened:
        answer = opened.object(AUDIT_PATH)
    if as_json:
        print_json(answer)
        return
    rows = [_row(entry) for entry in view.records(answer, "entries")]
    terminal.print_table("number", "time", "who", "from", "what", "outcome", rows=rows)


def _row(entry: Mapping[str, Any]) -> list[str]:
    texts = {name: _text(entry.get(name)) for name in ("number", "name", "address", "what", "outcome")}
    return [
        texts["number"],
        _time(entry),
        texts["name"],
        texts["address"],
        texts["what"],
        NOT_KNOWN if entry.get("outcome") is None else texts["outcome"],
    ]


def _text(value: object) -> str:
    return "-" if value is None or value == "" else shortened(str(value))


def _time(entry: Mapping[str, Any]) -> str:
    seconds = entry.get("time")
    if isinstance(seconds, int):
        try:
            return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        except (OverflowError, OSError, ValueError):
            pass
    return f"start {_text(entry.get('start'))} + {_text(entry.get('uptime_s'))} s"
