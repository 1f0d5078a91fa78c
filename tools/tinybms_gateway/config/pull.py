"""``tinybms-gw config pull``: keep the configuration of a gateway as a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tinybms_gateway.api.error import NotAGatewayError
from tinybms_gateway.api.options import MakeClient, at_gateway, password_option, token_option
from tinybms_gateway.api.secrets import ask_password, find_token
from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.config.document import PROFILE, SETTINGS
from tinybms_gateway.whole_file import check_place, write_whole

with lazy_imports():
    from tinybms_gateway.api import client

EXPORT_PATH = "/api/v1/settings/export"
PROFILE_PATH = "/api/v1/bms/profile"


@click.command("pull")
@at_gateway
@token_option
@password_option
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there instead of to stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite --out if it exists.")
@click.option("--bms", is_flag=True, help="The registers of the BMS instead of the settings of the gateway.")
@click.option("--secrets", is_flag=True,
              help="With the Wi-Fi and broker passwords; takes the administrator's, and --out.")  # fmt: skip
def pull_command(
    gateway: MakeClient,
    token_file: Path | None,
    password_file: Path | None,
    out: Path | None,
    force: bool,
    bms: bool,
    secrets: bool,
) -> None:
    """Keep the settings of a gateway, or the registers of its BMS, as a file.

    The file holds what is saved, without passwords; 'tinybms-gw config push' writes it back, also to another gateway.
    With --secrets the passwords are in it too, and only its owner may read it.

    \b
    Examples:
      tinybms-gw config pull --url http://192.168.1.20 --out config.json
      tinybms-gw config pull --url http://192.168.1.20 --bms --out bms-profile.json
      tinybms-gw config pull --url http://192.168.1.20 --secrets --out backup.json --password-file password.txt
    """
    with usage_errors():
        if secrets and bms:
            raise ValueError("the registers of the BMS hold no secrets: give --bms or --secrets")
        if secrets and out is None:
            raise ValueError("--secrets: they are not for a terminal or a pipe; give --out")
        if password_file is not None and not secrets:
            raise ValueError("--password-file: only --secrets takes it; otherwise a token is enough")
        if out is not None:
            check_place(out, force=force)
        token = find_token(token_file)
    with _opened(gateway, token, password_file, secrets) as opened:
        text = _fetch(opened, bms, secrets)
    if out is None:
        click.echo(text, nl=False)
        return
    with usage_errors():
        write_whole(out, text, private=secrets)


@contextmanager
def _opened(
    gateway: MakeClient, token: str | None, password_file: Path | None, secrets: bool
) -> Iterator["client.GatewayClient"]:
    with gateway(token) as opened:
        if not secrets:
            yield opened
            return
        with usage_errors():
            password = ask_password(password_file, opened.url)
        with opened.logged_in(password):
            yield opened


def _fetch(gateway: "client.GatewayClient", bms: bool, secrets: bool) -> str:
    """The document as the text of a file.

    Raises:
        GatewayError: there is no good answer.
    """
    found = gateway.object(PROFILE_PATH if bms else EXPORT_PATH + ("?secrets=1" if secrets else ""))
    if found.get("format") != (PROFILE if bms else SETTINGS):
        raise NotAGatewayError("the answer is no such document", "use the toolkit of the gateway's release")
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
