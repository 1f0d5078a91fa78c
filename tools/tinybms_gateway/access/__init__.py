"""``tinybms-gw access``: who may read and change a gateway, and who has."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "access",
    cls=LazyGroup,
    paths={
        name: f"tinybms_gateway.access.{name.replace('-', '_')}:{name.replace('-', '_')}_command"
        for name in ("tokens", "token-create", "token-revoke", "audit", "password")
    },
)
def access_group() -> None:
    """Manage the tokens, the password and the audit log of a gateway.

    Each command logs in with the password of the administrator, and out at the end. The password comes from
    --password-file, from the variable TINYBMS_PASSWORD, or from a question on the terminal; never from the command
    line. Programs use tokens instead, which can be revoked one by one.

    Exit status: 0 success; 1 the gateway does not answer, or refuses; 2 something to fix.
    """
