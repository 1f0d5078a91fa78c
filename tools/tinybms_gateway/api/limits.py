"""``tinybms-gw api limits``: why the limits are what they are."""

from typing import Any

import click

from tinybms_gateway.api.options import reading
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway import terminal
    from tinybms_gateway.api import view

NO_LIMIT = "does not limit"
INSTEAD_OF = {"settings_lost": "user_cap"}
"""Reasons that are given instead of that of a limiter."""


@reading("limits", "/api/v1/limits")
def limits_command(answer: dict[str, Any]) -> None:
    """Show the limits, and of the current limits what each limiter allows.

    \b
    Examples:
      tinybms-gw api limits --url http://192.168.1.20
      tinybms-gw api limits --url http://192.168.1.20 --json | jq '.ccl_ma.limiters[] | select(.allows_ma == 0)'
    """
    view.print_facts(answer, "cvl_mv", "ccl_ma", "dcl_ma", "dvl_mv", "too_cold_to_charge", "too_hot_to_charge")
    for name in ("ccl_ma", "dcl_ma"):
        limit = view.part(answer, name)
        click.echo(f"\nLIMITERS OF {view.label(name)}")
        rows = [_row(limiter, limit.get("reason")) for limiter in view.records(limit, "limiters")]
        terminal.print_table("", "", "", rows=rows)


def _row(limiter: dict[str, Any], reason: object) -> list[str]:
    allows = limiter.get("allows_ma")
    holds = "<- holds" if limiter.get("reason") == INSTEAD_OF.get(str(reason), reason) else ""
    return [view.text("text", limiter.get("text")), NO_LIMIT if allows is None else view.text("ma", allows), holds]
