"""``tinybms-gw access token-revoke``: who used it is out at once."""

import click

from tinybms_gateway.access.token_create import check_name
from tinybms_gateway.access.tokens import TOKENS_PATH
from tinybms_gateway.api.error import RefusedError
from tinybms_gateway.api.options import LoggedIn, of_administrator
from tinybms_gateway.command_line import usage_errors


@click.command("token-revoke")
@of_administrator
@click.argument("name")
def token_revoke_command(logged_in: LoggedIn, name: str) -> None:
    """Take a token back; who uses it is out at once.

    \b
    Examples:
      tinybms-gw access token-revoke prometheus --url http://192.168.1.20
    """
    with usage_errors():
        check_name(name)
    with logged_in() as opened:
        try:
            opened.delete(f"{TOKENS_PATH}/{name}")
        except RefusedError as error:
            if error.status == 404 and error.error:
                raise click.ClickException(
                    f"no token is named {name}; 'tinybms-gw access tokens' lists them"
                ) from error
            raise
    click.echo(f"token {name}: revoked", err=True)
