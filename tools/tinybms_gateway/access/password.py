"""``tinybms-gw access password``: another password for the administrator."""

from pathlib import Path

import click

from tinybms_gateway.api.options import MakeClient, at_gateway, password_option
from tinybms_gateway.api.secrets import ask_new_password, ask_password
from tinybms_gateway.command_line import usage_errors


@click.command("password")
@at_gateway
@password_option
@click.option("--new-password-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="File whose only line is the new password. Default: a question on the terminal.")  # fmt: skip
def password_command(gateway: MakeClient, password_file: Path | None, new_password_file: Path | None) -> None:
    """Change the password of the administrator.

    It has 10 to 128 bytes. All sessions end; tokens stay. Of a password that is lost, the console takes the place:
    'tinybms-gw setup --reset'.

    \b
    Examples:
      tinybms-gw access password --url http://192.168.1.20
      tinybms-gw access password --url http://192.168.1.20 --password-file old.txt --new-password-file new.txt
    """
    with gateway(None) as opened:
        with usage_errors():
            old = ask_password(password_file, opened.url)
        with opened.logged_in(old):  # first, so that a wrong one is told before a new one is asked for
            with usage_errors():
                fresh = ask_new_password(new_password_file, "--new-password-file")
            opened.change_password(old, fresh)
    click.echo("the password is changed", err=True)
