"""Completion by the shell: ``tinybms-gw completion``, and the values of options with known values."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from tinybms_gateway.command_line import lazy_imports

with lazy_imports():
    from tinybms_gateway.scenario import texts

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
PROGRAM = "tinybms-gw"
VARIABLE = "_TINYBMS_GW_COMPLETE"
"""Used by the script; click derives the name from the program's."""
SERIAL_PORTS = ("ttyUSB*", "ttyACM*", "serial/by-id/*")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print a script that lets the shell complete tinybms-gw.

    The Tab key then completes commands, options, files, serial ports, scenarios, faults and registers. To have this in
    every new shell:

    \b
      bash:  tinybms-gw completion bash > ~/.local/share/bash-completion/completions/tinybms-gw
      zsh:   tinybms-gw completion zsh > "${fpath[1]}/_tinybms-gw"      (a directory in $fpath that you can write to)
      fish:  tinybms-gw completion fish > ~/.config/fish/completions/tinybms-gw.fish

    \b
    Examples:
      tinybms-gw completion bash
      tinybms-gw completion zsh
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())


def completer(values: Callable[[], Iterable[tuple[str, str]]]) -> Completer:
    """Complete from values and their meanings, which are looked up when a shell asks."""

    def complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        return [CompletionItem(value, help=about) for value, about in values() if value.startswith(begun)]

    return complete


def serial_ports() -> Iterable[tuple[str, str]]:
    """Serial ports of this machine."""
    return [(str(port), "") for pattern in SERIAL_PORTS for port in sorted(Path("/dev").glob(pattern))]


def known_scenarios() -> Iterable[tuple[str, str]]:
    """Scenarios of the source tree and their titles."""
    return [(scenario.name, scenario.title) for scenario in texts.all_scenarios()]
