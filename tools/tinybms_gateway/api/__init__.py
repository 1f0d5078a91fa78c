"""``tinybms-gw api``: what a gateway on the network tells about the battery and itself."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "api",
    cls=LazyGroup,
    paths={
        name: f"tinybms_gateway.api.{name}:{name}_command"
        for name in (
            "alarms", "can", "cells", "diagnostics", "energy", "events", "limits", "log", "metrics", "registers",
            "settings", "state", "statistics", "status", "uart", "watch",
        )
    },
)  # fmt: skip
def api_group() -> None:
    """Read a gateway over its web interface.

    Give its address with --url, or once in the variable TINYBMS_URL. A gateway that does not let everybody read wants a
    token: --token-file, or the variable TINYBMS_TOKEN; 'tinybms-gw access token-create' makes one. docs/openapi.yaml
    describes every value. With --json the answer is printed as the gateway gave it.

    Exit status: 0 success; 1 the gateway does not answer, or refuses; 2 something to fix.
    """
