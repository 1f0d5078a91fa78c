"""Values that a shell can complete, for options whose values are known."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
SERIAL_PORTS = ("ttyUSB*", "ttyACM*", "serial/by-id/*")


def completer(values: Callable[[], Iterable[tuple[str, str]]]) -> Completer:
    """Complete from values and what they mean; they are looked up when a shell asks."""

    def complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        return [CompletionItem(value, help=about) for value, about in values() if value.startswith(begun)]

    return complete


def serial_ports() -> Iterable[tuple[str, str]]:
    """Serial ports of this machine."""
    return [(str(port), "") for pattern in SERIAL_PORTS for port in sorted(Path("/dev").glob(pattern))]


def known_scenarios() -> Iterable[tuple[str, str]]:
    """Scenarios of the source tree and their titles."""
    from tinybms_gateway.scenario.show_impl import all_scenarios  # noqa: PLC0415 - keeps --help quick

    return [(scenario.name, scenario.title) for scenario in all_scenarios()]
