"""``tinybms-gw access token-create``: a token for a program."""

import contextlib
import re
from pathlib import Path

import click

from tinybms_gateway.access.tokens import TOKENS_PATH
from tinybms_gateway.api.error import GatewayError, NotAGatewayError
from tinybms_gateway.api.options import LoggedIn, of_administrator
from tinybms_gateway.api.secrets import TOKEN
from tinybms_gateway.command_line import lazy_imports, print_json, usage_errors
from tinybms_gateway.whole_file import check_place, write_whole

with lazy_imports():
    from tinybms_gateway.api import client

NAME = re.compile(r"[A-Za-z0-9._-]{1,24}")


def check_name(name: str) -> str:
    """A possible name of a token.

    Raises:
        ValueError: it cannot be one.
    """
    if not NAME.fullmatch(name) or not name.strip("."):
        raise ValueError(f"'{name}': give a name of at most 24 letters, digits and any of . _ -")
    return name


def create(gateway: "client.GatewayClient", name: str, right: str) -> str:
    """Make a token; it is told here and never again.

    Raises:
        GatewayError: it was refused, or there is no good answer.
    """
    token = gateway.post(TOKENS_PATH, {"name": name, "right": right}).get("token")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        advice = f"revoke it, because nobody knows it: 'tinybms-gw access token-revoke {name}'"
        raise NotAGatewayError("it has made a token, and not told it", advice)
    return token


@click.command("token-create")
@of_administrator
@click.argument("name")
@click.option("--right", type=click.Choice(["read", "full"]), required=True,
              help="read: all values; full: also settings, registers of the BMS and restart.")  # fmt: skip
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the token there, readable for its owner only, instead of to stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite --out if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print name, right and token as JSON.")
def token_create_command(
    logged_in: LoggedIn, name: str, right: str, out: Path | None, force: bool, as_json: bool
) -> None:
    """Make a token, with which a program shows who it is.

    NAME is for people, up to 24 letters, digits and any of . _ -; the audit log names it with each change. The gateway
    keeps only a hash, so the token cannot be shown again: a lost one is revoked, and a new one made.

    \b
    Examples:
      tinybms-gw access token-create prometheus --right read --url http://192.168.1.20 --out prometheus.token
      tinybms-gw access token-create deploy --right full --url http://192.168.1.20 -o deploy.token
    """
    with usage_errors():
        check_name(name)
        if out is not None and as_json:
            raise ValueError("--json prints the token, --out writes it: give one of them")
        if out is not None:
            check_place(out, force=force)
    with logged_in() as opened:
        token = create(opened, name, right)
        if out is not None:
            _keep(opened, name, token, out)
    if as_json:
        print_json({"name": name, "right": right, "token": token})
    else:
        click.echo(f"token {name}: {right}, in {out}" if out is not None else token, err=out is not None)


def _keep(gateway: "client.GatewayClient", name: str, token: str, out: Path) -> None:
    """Write it; one that cannot be kept is revoked again."""
    try:
        write_whole(out, token + "\n", private=True)
    except (OSError, ValueError):
        with contextlib.suppress(GatewayError):
            gateway.delete(f"{TOKENS_PATH}/{name}")
        with usage_errors():
            raise
