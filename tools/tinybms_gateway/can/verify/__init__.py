"""``tinybms-gw can verify``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json, usage_errors
from tinybms_gateway.completion import completer, known_scenarios

with lazy_imports():
    from tinybms_gateway.can.verify import workflow

FILE = click.Path(path_type=Path)


@click.command("verify")
@click.argument("file", type=FILE, required=False)
@click.option("--channel", metavar="NAME", help="Channel to check, if the capture holds several.")
@click.option("--bitrate", type=click.IntRange(min=1000, max=1_000_000), default=500_000, show_default=True,
              help="Bit rate of the bus in bit/s.")  # fmt: skip
@click.option("--victron-only", is_flag=True, help="Check only Victron's rules, for batteries of other makers.")
@click.option("--scenario", metavar="NAME|FILE", shell_complete=completer(known_scenarios),
              help="Also check what this scenario expects; its waivers apply.")  # fmt: skip
@click.option("--waive", "waivers", multiple=True, metavar="RULE=REASON",
              help="Do not count violations of this rule; RULE may be a pattern (period-*); repeatable.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--junit", type=FILE, metavar="FILE", help="Write the result as JUnit XML, one test case per rule.")
@click.option("--html", "page", type=FILE, metavar="FILE", help="Write the result as an HTML page with plots.")
@click.option("--list-rules", is_flag=True, help="List the rules with their sources, and exit.")
def verify_command(
    file: Path | None,
    channel: str | None,
    bitrate: int,
    victron_only: bool,
    scenario: str | None,
    waivers: tuple[str, ...],
    as_json: bool,
    junit: Path | None,
    page: Path | None,
    list_rules: bool,
) -> None:
    """Check a capture against Victron's protocol and what this gateway promises.

    Checks presence, period, layout and values of every frame, consistency between frames, limits against alarms, and
    the keepalives of both sides. --list-rules shows each rule and its source.

    Exit status 0: every applicable rule holds; 1: some do not; 2: the capture cannot be read, or is empty.

    \b
    Examples:
      tinybms-gw can verify capture.log
      tinybms-gw can verify capture.blf --html report.html --junit report.xml
      tinybms-gw can verify bms-lost.log --scenario bms-lost
      tinybms-gw can verify other-battery.log --victron-only
      tinybms-gw can verify capture.log --waive 'limits-3s=the BMS was unplugged on purpose'
    """
    with usage_errors():
        if list_rules:
            workflow.list_rules(as_json)
            return
        if file is None:
            raise UsageProblem("no capture given; give a FILE; --help shows examples")
        report = workflow.run(
            file,
            workflow.Choice(channel, bitrate, victron_only),
            scenario,
            waivers,
            junit,
            page,
        )
        if as_json:
            print_json(report.as_json())
        else:
            workflow.show_report(report)
    raise SystemExit(0 if report.good else 1)
