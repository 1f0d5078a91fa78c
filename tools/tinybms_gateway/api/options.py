"""What the commands that read a gateway share: its address, time, certificates, and how they fail."""

import contextlib
import functools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from tinybms_gateway.api.address import parse_url
from tinybms_gateway.api.error import GatewayError
from tinybms_gateway.command_line import Seconds, lazy_imports, print_json, usage_errors

with lazy_imports():
    from tinybms_gateway.api import client

URL_VARIABLE = "TINYBMS_URL"

OpenGateway = Callable[[], "client.GatewayClient"]


def of_gateway(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the gateway; the command receives a function that makes the client instead."""

    @click.option("--url", required=True, envvar=URL_VARIABLE, show_envvar=True, metavar="URL",
                  help="Address of the gateway, such as http://192.168.1.20.")  # fmt: skip
    @click.option("--timeout", type=Seconds(), default=10.0, show_default=True, metavar="S",
                  help="Longest time for a whole answer.")  # fmt: skip
    @click.option("--ca", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
                  help="Certificates (PEM) to trust for https, instead of those of this machine.")  # fmt: skip
    @functools.wraps(command)
    def with_gateway(url: str, timeout: float, ca: Path | None, **options: Any) -> None:
        with usage_errors():
            address = parse_url(url)
            if ca is not None:
                _check_certificates(ca)
        with gateway_errors(address):
            command(lambda: client.GatewayClient(address, ca=ca, timeout_s=timeout), **options)

    return with_gateway


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
        raise click.ClickException(f"{url}: {error}") from error


def _check_certificates(ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ValueError(f"--ca {ca}: holds no certificates (PEM)") from error
