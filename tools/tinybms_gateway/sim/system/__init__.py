"""``tinybms-gw sim system``: battery, BMS, gateway and house in simulated time."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, print_json, usage_errors
from tinybms_gateway.completion import completer

with lazy_imports():
    from tinybms_gateway.sim.system import report, scenarios


def _known_scenarios() -> list[tuple[str, str]]:
    return [(name, scenario.about) for name, scenario in scenarios.SCENARIOS.items()]


@click.command("system")
@click.option("--scenario", default="week", metavar="NAME", show_default=True,
              shell_complete=completer(_known_scenarios),
              help="Scenario to simulate; --list shows them.")  # fmt: skip
@click.option("--list", "show_list", is_flag=True, help="List the scenarios and exit.")
@click.option("--days", type=float, help="Days to simulate, 0.001 to 60; default: the scenario's.")
@click.option("--chemistry", type=click.Choice(["lfp", "nmc"]), help="Battery chemistry; default: the scenario's.")
@click.option("--feed-in/--no-feed-in", default=None, help="Feed the surplus into the grid; default: the scenario's.")
@click.option("--cloudy", is_flag=True, help="Add passing clouds.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="Setting of the gateway; repeatable.")  # fmt: skip
@click.option("--pack-gain", type=float, default=1.0, show_default=True,
              help="Pack voltage of the BMS relative to the sum of its cells, 0.9 to 1.1.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Random seed.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.png", help="Plot the run.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv",
              help="Write the run, one row per 10 s.")  # fmt: skip
@click.option(
    "--wire", is_flag=True, help="Run the whole gateway on a serial line and a CAN bus, in real time; no reasons."
)
@click.option(
    "--time-scale", type=float, default=10.0, show_default=True, help="With --wire: speed relative to real time."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def system_command(
    scenario: str,
    show_list: bool,
    days: float | None,
    chemistry: str | None,
    feed_in: bool | None,
    cloudy: bool,
    settings: tuple[str, ...],
    pack_gain: float,
    seed: int,
    plot: Path | None,
    csv_path: Path | None,
    wire: bool,
    time_scale: float,
    as_json: bool,
) -> None:
    """Simulate battery, BMS and a solar house around the gateway's own C code.

    Days pass in seconds. Exit status 1 if a cell reached its over-voltage or under-voltage cutoff.

    \b
    Examples:
      tinybms-gw sim system --plot week.png
      tinybms-gw sim system --scenario cold --days 2 --csv cold.csv
      tinybms-gw sim system --list
    """
    with usage_errors():
        if show_list:
            report.show_scenarios()
            return
        figures = report.run(
            scenario, days=days, chemistry=chemistry, feed_in=feed_in, cloudy=cloudy, settings=settings, seed=seed,
            plot=plot, csv_path=csv_path, wire=wire, time_scale=time_scale, pack_gain=pack_gain,
        )  # fmt: skip
        if as_json:
            print_json(figures.as_json())
        else:
            report.show(figures)
    raise SystemExit(1 if figures.over_voltage_trips or figures.under_voltage_trips else 0)
