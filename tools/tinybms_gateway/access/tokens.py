"""``tinybms-gw access tokens``: which tokens there are."""

import click

from tinybms_gateway.api.options import LoggedIn, of_administrator
from tinybms_gateway.command_line import lazy_imports, print_json

with lazy_imports():
    from tinybms_gateway.api import view

TOKENS_PATH = "/api/v1/tokens"


@click.command("tokens")
@of_administrator
@click.option("--json", "as_json", is_flag=True, help="Print the answer as the gateway gave it.")
def tokens_command(logged_in: LoggedIn, as_json: bool) -> None:
    """List the tokens of a gateway, with their rights.

    A token itself is only told when it is made.

    \b
    Examples:
      tinybms-gw access tokens --url http://192.168.1.20
      tinybms-gw access tokens --url http://192.168.1.20 --password-file password.txt --json | jq -r '.tokens[].name'
    """
    with logged_in() as opened:
        answer = opened.object(TOKENS_PATH)
    if as_json:
        print_json(answer)
    else:
        view.print_records(view.records(answer, "tokens"), "name", "right")
