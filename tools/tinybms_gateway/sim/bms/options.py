"""The options ``--scenario`` and ``--fault``, for all commands that have a simulated TinyBMS."""

from collections.abc import Callable
from typing import TypeVar

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.completion import completer, known_scenarios
from tinybms_gateway.sim.bms.faults import ABOUT

with lazy_imports():
    from tinybms_gateway.scenario import find, texts

Command = TypeVar("Command", bound=Callable[..., None])


def _scenario(context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    with usage_errors():
        if name == "list":
            click.echo(texts.titles())
            context.exit()
        find.load_scenario(name)
    return name


def _faults(context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if "list" in names:
        for name, about in ABOUT.items():
            click.echo(f"{name:14} {about}")
        context.exit()
    return names


def _known_faults() -> list[tuple[str, str]]:
    return list(ABOUT.items())


def scenario_option(default: str) -> Callable[[Command], Command]:
    """``--scenario NAME|FILE``; `default` is what the help text gives as the default."""
    return click.option("--scenario", metavar="NAME|FILE", is_eager=True, callback=_scenario,
                        shell_complete=completer(known_scenarios),
                        help="Scenario for the battery: a name or the path of a .yaml file; 'list' shows the names. "
                        f"Default: {default}.")  # fmt: skip


def fault_option() -> Callable[[Command], Command]:
    """``--fault NAME[=VALUE]``, repeatable."""
    return click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", is_eager=True, callback=_faults,
                        shell_complete=completer(_known_faults),
                        help="Fault to simulate; repeatable; 'list' shows the faults.")  # fmt: skip
