"""``tinybms-gw demo``: everything together, without any hardware."""

from pathlib import Path

import click

from tinybms_gateway.command_line import Seconds, lazy_imports, print_json, usage_errors
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.sim.bms.options import fault_option, scenario_option
from tinybms_gateway.terminal import make_console

with lazy_imports():
    from tinybms_gateway import demo_view, gateway_stack


@click.command("demo")
@click.option("--seconds", type=Seconds(), help="Stop after this time; default: run until Ctrl-C.")
@click.option("--capture", type=click.Path(path_type=Path), metavar="FILE",
              help="Record the CAN bus to this file (.log, .blf, .trc).")  # fmt: skip
@scenario_option("day")
@click.option(
    "--dump",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="Simulate the device of this register dump.",
)
@fault_option()
@click.option("--http", default=OWN_WEB, metavar="HOST:PORT", show_default="a free port of 127.0.0.1",
              help="Serve the gateway's web interface there; it asks for a login.")  # fmt: skip
@click.option("--no-http", is_flag=True, help="No web interface.")
@click.option("--web", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Directory with the files of its user interface.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="No live view; print the result as JSON.")
def demo_command(
    seconds: float | None,
    capture: Path | None,
    scenario: str | None,
    dump: Path | None,
    faults: tuple[str, ...],
    http: str,
    no_http: bool,
    web: Path | None,
    as_json: bool,
) -> None:
    """Run a simulated TinyBMS, the gateway and a simulated GX together.

    Shown live in this terminal; the gateway's web interface is at the address that is shown, and asks for the set-up
    code first. Exit status 1 if the GX recognised no battery, or had a complaint.

    \b
    Examples:
      tinybms-gw demo
      tinybms-gw demo --scenario overvoltage
      tinybms-gw demo --seconds 60 --capture c.log
    """
    with usage_errors(), demo_view.DemoView(make_console(), quiet=as_json) as live:
        summary = gateway_stack.run(
            seconds=seconds,
            capture=capture,
            dump=dump,
            scenario=scenario or (None if dump else "day"),
            faults=faults,
            http=None if no_http else http,
            options=() if web is None else ("--web", str(web)),
            on_step=live.show,
        )
    if as_json:
        print_json(summary)
    elif capture is not None:
        played = f" --scenario {scenario}" if scenario else ""
        click.echo(f"{capture}: check it with 'tinybms-gw can verify {capture}{played}'")
    raise SystemExit(0 if summary["recognised"] and not summary["complaints"] else 1)
