"""What the commands that read a gateway share: its address, time, certificates, and how they fail."""

import contextlib
import functools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from tinybms_gateway.api.address import parse_url
from tinybms_gateway.api.error import GatewayError, InvalidError
from tinybms_gateway.api.secrets import LOGIN_VARIABLE, TOKEN_VARIABLE, ask_password, find_token
from tinybms_gateway.command_line import Seconds, lazy_imports, print_json, usage_errors

with lazy_imports():
    from tinybms_gateway.api import client

URL_VARIABLE = "TINYBMS_URL"

OpenGateway = Callable[[], "client.GatewayClient"]
LoggedIn = Callable[[], contextlib.AbstractContextManager["client.GatewayClient"]]
"""Makes the client, logs in, and out at the end."""
MakeClient = Callable[[str | None], "client.GatewayClient"]
"""The argument: the token."""


def of_gateway(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the gateway and a token; the command receives a function that makes the client instead."""

    @at_gateway
    @token_option
    @functools.wraps(command)
    def with_token(gateway: MakeClient, token_file: Path | None, **options: Any) -> None:
        with usage_errors():
            token = find_token(token_file)
        command(lambda: gateway(token), **options)

    return with_token


def of_administrator(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the gateway and the password; the command receives instead a context that is logged in."""

    @at_gateway
    @password_option
    @functools.wraps(command)
    def with_password(gateway: MakeClient, password_file: Path | None, **options: Any) -> None:
        @contextlib.contextmanager
        def logged_in() -> Iterator["client.GatewayClient"]:
            with gateway(None) as opened:
                with usage_errors():
                    password = ask_password(password_file, opened.url)
                with opened.logged_in(password):
                    yield opened

        command(logged_in, **options)

    return with_password


def at_gateway(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the gateway; the command receives a function that makes the client with a token, or None, instead."""

    @click.option("--url", required=True, envvar=URL_VARIABLE, show_envvar=True, metavar="URL",
                  help="Address of the gateway, such as http://192.168.1.20.")  # fmt: skip
    @connection_options
    @functools.wraps(command)
    def with_gateway(url: str, timeout: float, ca: Path | None, **options: Any) -> None:
        with connecting(url, timeout, ca) as make:
            command(make, **options)

    return with_gateway


def connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Time and certificates."""
    command = click.option("--ca", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
                           help="Certificates (PEM) to trust for https, instead of those of this machine.",
                           )(command)  # fmt: skip
    return click.option("--timeout", type=Seconds(), default=10.0, show_default=True, metavar="S",
                        help="Longest time for a whole answer; changes may take longer.")(command)  # fmt: skip


def token_option(command: Callable[..., None]) -> Callable[..., None]:
    """The token."""
    return click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                        help=f"File whose only line is a token of the gateway; instead of {TOKEN_VARIABLE}.",
                        )(command)  # fmt: skip


def password_option(command: Callable[..., None]) -> Callable[..., None]:
    """The password."""
    return click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                        help="File whose only line is the password. Default: "
                        f"{LOGIN_VARIABLE}, or a question on the terminal.")(command)  # fmt: skip


@contextlib.contextmanager
def connecting(url: str, timeout_s: float, ca: Path | None) -> Iterator[MakeClient]:
    """A function that makes the client; what a gateway does not give ends the block with one line."""
    with usage_errors():
        address = parse_url(url)
        if ca is not None:
            _check_certificates(ca)
    with gateway_errors(address):
        yield lambda token: client.GatewayClient(address, ca=ca, timeout_s=timeout_s, token=token)


def reading(name: str, path: str) -> Callable[[Callable[[dict[str, Any]], None]], click.Command]:
    """A command that gets one JSON object and shows it: the decorated function does the showing."""

    def make(show: Callable[[dict[str, Any]], None]) -> click.Command:
        @click.command(name, help=show.__doc__)
        @of_gateway
        @click.option("--json", "as_json", is_flag=True, help="Print the answer as the gateway gave it.")
        def command(gateway: OpenGateway, as_json: bool) -> None:
            with gateway() as opened:
                answer = opened.object(path)
            if as_json:
                print_json(answer)
            else:
                show(answer)

        return command

    return make


@contextlib.contextmanager
def gateway_errors(url: str) -> Iterator[None]:
    """Turn a gateway that does not give what was asked for into one line and exit status 1."""
    try:
        yield
    except GatewayError as error:
        if isinstance(error, InvalidError):
            for problem in error.problems:
                click.echo(str(problem), err=True)
        raise click.ClickException(f"{url}: {error}") from error


def _check_certificates(ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ValueError(f"--ca {ca}: holds no certificates (PEM)") from error
