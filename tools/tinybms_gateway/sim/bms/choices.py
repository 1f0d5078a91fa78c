"""The options ``--scenario`` and ``--fault``, for all commands that have a simulated TinyBMS."""

from collections.abc import Callable
from typing import TypeVar

import click

from tinybms_gateway.completion.values import completer
from tinybms_gateway.options import UsageProblem

Command = TypeVar("Command", bound=Callable[..., None])


def _scenario(context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    from tinybms_gateway.sim.bms.scenarios import SCENARIOS  # noqa: PLC0415 - keeps --help quick

    if name == "list":
        for known, scenario in SCENARIOS.items():
            click.echo(f"{known:14} {scenario.about}")
        context.exit()
    if name is not None and name not in SCENARIOS:
        raise UsageProblem(f"--scenario '{name}': there are {', '.join(SCENARIOS)}")
    return name


def _faults(context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    from tinybms_gateway.sim.bms.faults import ABOUT  # noqa: PLC0415 - keeps --help quick

    if "list" in texts:
        for name, about in ABOUT.items():
            click.echo(f"{name:14} {about}")
        context.exit()
    return texts


def _known_scenarios() -> list[tuple[str, str]]:
    from tinybms_gateway.sim.bms.scenarios import SCENARIOS  # noqa: PLC0415

    return [(name, scenario.about) for name, scenario in SCENARIOS.items()]


def _known_faults() -> list[tuple[str, str]]:
    from tinybms_gateway.sim.bms.faults import ABOUT  # noqa: PLC0415

    return list(ABOUT.items())


def scenario_option(default: str) -> Callable[[Command], Command]:
    """``--scenario NAME``; `default` is what the help text calls the default."""
    return click.option("--scenario", metavar="NAME", is_eager=True, callback=_scenario,
                        shell_complete=completer(_known_scenarios),
                        help=f"What happens to the battery; 'list' shows them. Default: {default}.")  # fmt: skip


def fault_option() -> Callable[[Command], Command]:
    """``--fault NAME[=VALUE]``, may be repeated."""
    return click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", is_eager=True, callback=_faults,
                        shell_complete=completer(_known_faults),
                        help="Something that goes wrong, may be given several times; 'list' shows them.")  # fmt: skip
