"""``tinybms-gw setup``: the set-up code of a new gateway, and its first password."""

import contextlib
from pathlib import Path

import click

from tinybms_gateway.api.error import GatewayError
from tinybms_gateway.api.options import connecting, connection_options
from tinybms_gateway.api.secrets import ask_code, ask_new_password
from tinybms_gateway.command_line import consent, lazy_imports, print_json, usage_errors
from tinybms_gateway.completion import completer, serial_ports
from tinybms_gateway.gateway_data import reset_password, setup_code

with lazy_imports():
    from tinybms_gateway.api import client
    from tinybms_gateway.idf import ports
    from tinybms_gateway.setup import console

CODE_LENGTH = 10
SET_UP_ALREADY = "a password is set, so the set-up code is void; --reset takes back the password and all tokens"


@click.command("setup")
@click.option("--port", metavar="DEV", shell_complete=completer(serial_ports),
              help="Serial port of the chip, whose console tells the code.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Settings directory of the gateway on this machine, which tells the code too.")  # fmt: skip
@click.option("--url", metavar="URL", help="Set the first password of the gateway at this address.")
@click.option("--code-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="With --url: file whose only line is the code, instead of a question on the terminal.")  # fmt: skip
@click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="With --url: file whose only line is the first password.")  # fmt: skip
@click.option("--reset", is_flag=True, help="First take back the password and all tokens of a gateway in your hands.")
@click.option("--yes", is_flag=True, help="Do not ask before --reset; for scripts.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@connection_options
def setup_command(
    port: str | None,
    data: Path | None,
    url: str | None,
    code_file: Path | None,
    password_file: Path | None,
    reset: bool,
    yes: bool,
    as_json: bool,
    timeout: float,
    ca: Path | None,
) -> None:
    """Read the set-up code of a new gateway, or set its first password.

    A new gateway has no password. Who sets the first one must have its set-up code, made at its first start, which only
    its console tells: --port or --data reads it there, and prints it, for a label on the device. With --url the first
    password is set, of 10 to 128 bytes; the code is then void. Without --port and --data the code comes from
    --code-file or a question. --reset, which needs the device in hand, takes back a password that is lost.

    \b
    Examples:
      tinybms-gw setup --port /dev/ttyUSB0
      tinybms-gw setup --url http://192.168.1.20
      tinybms-gw setup --port /dev/ttyUSB0 --url http://192.168.1.20 --password-file password.txt
      tinybms-gw setup --reset --port /dev/ttyUSB0
      tinybms-gw setup --data /var/lib/tinybms --json | jq -r .setup_code
    """
    with usage_errors():
        _check_options(port, data, url, code_file, password_file, reset)
    if reset:
        consent("take back the password and all tokens?", yes, "nothing was changed")
    with usage_errors():
        code = _code_of_device(port, data, reset) if port is not None or data is not None else None
    if url is None:
        _show(code or "", as_json)
        return
    with connecting(url, timeout, ca) as make, make(None) as gateway:
        _set_up(gateway, code, code_file, password_file)
        click.echo(f"{gateway.url}: the password is set; log in with it", err=True)
    if as_json:
        print_json({"set_up": True, "setup_code": None})


def _check_options(
    port: str | None,
    data: Path | None,
    url: str | None,
    code_file: Path | None,
    password_file: Path | None,
    reset: bool,
) -> None:
    given = sum(option is not None for option in (port, data, code_file))
    if given > 1:
        raise ValueError("give one of --port, --data and --code-file")
    if url is None and port is None and data is None:
        raise ValueError("give --port or --data to read the set-up code, or --url to set the first password")
    if url is None and (code_file is not None or password_file is not None):
        raise ValueError("--code-file and --password-file set the first password; give --url too")
    if reset and port is None and data is None:
        raise ValueError("--reset takes the device in hand; give --port or --data")
    if data is not None and not data.is_dir():
        raise ValueError(f"--data {data}: no such directory")


def _code_of_device(port: str | None, data: Path | None, reset: bool) -> str:
    """The code, as its console tells it.

    Raises:
        ValueError: the console cannot be asked.
        OSError: the port fails.
        click.ClickException: the code is void.
    """
    if data is not None:
        if reset:
            click.echo(reset_password(data), err=True)
        told = setup_code(data)
        code = f"{told[:5]}-{told[5:]}" if told is not None and len(told) == CODE_LENGTH else told
    else:
        ports.check(port or "")
        with console.open_console(port or "") as device:
            if reset:
                click.echo(device.reset_password(), err=True)
            code = device.setup_code()
    if code is None:
        raise click.ClickException(SET_UP_ALREADY)
    return code


def _set_up(
    gateway: "client.GatewayClient", code: str | None, code_file: Path | None, password_file: Path | None
) -> None:
    """Set the first password.

    Raises:
        GatewayError: it was refused, or there is no good answer.
    """
    gateway.status()
    if gateway.object(client.SESSION_PATH).get("set_up") is True:
        raise click.ClickException(f"{gateway.url}: {SET_UP_ALREADY}")
    with usage_errors():
        code = code or ask_code(code_file)
        password = ask_new_password(password_file, "--password-file")
    gateway.set_up(code, password)
    with contextlib.suppress(GatewayError):  # a session that is left ends by itself
        gateway.log_out()


def _show(code: str, as_json: bool) -> None:
    if as_json:
        print_json({"set_up": False, "setup_code": code})
    else:
        click.echo(code)
