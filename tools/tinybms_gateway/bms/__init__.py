"""``tinybms-gw bms``: a TinyBMS on a serial port, and what is known of its registers."""

import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.completion.values import completer, serial_ports
from tinybms_gateway.generated import write_or_check
from tinybms_gateway.options import Seconds, UsageProblem, print_json, usage_errors

if TYPE_CHECKING:
    from tinybms_gateway.bms.client import BmsClient

OpenBms = Callable[[], contextlib.AbstractContextManager["BmsClient"]]


@click.group("bms", cls=CommandGroup)
def bms_group() -> None:
    """Talk to a TinyBMS on a serial port: a bench client for a USB-TTL adapter.

    Exit status: 0 good; 1 the BMS does not answer, or did not do what it was told; 2 something to put right.
    """


def _known_registers() -> list[tuple[str, str]]:
    from tinybms_gateway.bms.table import registers  # noqa: PLC0415

    return [(register.name, register.description) for register in registers()]


def on_line(command: Callable[..., None]) -> Callable[..., None]:
    """Options for the serial line; the command is called with an open client instead of them."""

    @click.option("--port", required=True, metavar="DEV", shell_complete=completer(serial_ports),
                  help="Serial port of the BMS, such as /dev/ttyUSB0.")  # fmt: skip
    @click.option("--timeout", type=Seconds(), default=0.3, show_default=True, metavar="S",
                  help="Time for a whole answer.")  # fmt: skip
    @click.option("--retries", type=click.IntRange(0, 1000), default=10, show_default=True,
                  help="How often something is asked again.")  # fmt: skip
    @functools.wraps(command)
    def with_line(port: str, timeout: float, retries: int, **options: Any) -> None:
        from tinybms_gateway.bms import client  # noqa: PLC0415 - keeps --help quick

        with _line_errors(), usage_errors():
            command(lambda: client.open_bms(port, timeout, retries), **options)

    return with_line


@contextlib.contextmanager
def _line_errors() -> Iterator[None]:
    """A BMS that does not answer is one line and exit status 1."""
    from tinybms_gateway.bms.client import LineError  # noqa: PLC0415

    try:
        yield
    except LineError as error:
        raise click.ClickException(" ".join(str(error).split())) from error


def _print_table(*columns: str, rows: list[list[str]]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from tinybms_gateway.terminal import make_console  # noqa: PLC0415

    table = Table(*columns, box=None, show_header=any(columns))
    for row in rows:
        table.add_row(*map(Text, row))
    make_console().print(table)


@bms_group.command("info")
@on_line
@click.option("--json", "as_json", is_flag=True, help="Print JSON: section, name, value and unit; null = unknown.")
def info_command(bms: OpenBms, as_json: bool) -> None:
    """Show what the BMS is, how it is set, and how the battery is.

    \b
    Examples:
      tinybms-gw bms info --port /dev/ttyUSB0
      tinybms-gw bms info --port /dev/ttyUSB0 --json | jq .state.pack_voltage.value
    """
    from tinybms_gateway.bms import info_impl  # noqa: PLC0415

    with bms() as client:
        facts = info_impl.info(client)
    if as_json:
        print_json(info_impl.as_json(facts))
        return
    for section, lines in facts.items():
        click.echo(section.upper())
        _print_table("", "", rows=[[label, str(fact)] for label, fact in lines.items()])


@bms_group.command("read")
@on_line
@click.argument("registers", nargs=-1, metavar="[REGISTER|NAME|FIRST-LAST]...",
                shell_complete=completer(_known_registers))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON; a value of null is not known.")
@click.option("--all", "everything", is_flag=True, help="Print a dump of all registers, as 'sim bms --dump' plays it.")
def read_command(bms: OpenBms, registers: tuple[str, ...], as_json: bool, everything: bool) -> None:
    """Read registers by number, name or range.

    'tinybms-gw bms registers' lists the names.

    \b
    Examples:
      tinybms-gw bms read --port /dev/ttyUSB0 300 over_voltage_cutoff 36-39
      tinybms-gw bms read --port /dev/ttyUSB0 300-343 --json
      tinybms-gw bms read --port /dev/ttyUSB0 --all > my_pack.json
    """
    from tinybms_gateway.bms import read_impl  # noqa: PLC0415

    if everything == bool(registers):
        raise UsageProblem("name the registers to read, such as 300 or pack_voltage; or --all alone")
    wanted = read_impl.select(registers)
    with bms() as client:
        if everything:
            click.echo(read_impl.dump(client))
            return
        readings = read_impl.read(client, wanted)
    if as_json:
        print_json([reading.as_json() for reading in readings])
        return
    rows = [[str(r.register.address), r.register.name, r.text, str(r.raw), r.register.description] for r in readings]
    _print_table("register", "name", "value", "raw", "meaning", rows=rows)


@bms_group.command("write", context_settings={"ignore_unknown_options": True})
@on_line
@click.argument("settings", nargs=-1, required=True, metavar="NAME VALUE | NAME=VALUE...",
                shell_complete=completer(_known_registers))  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask, not even what loosens a protection; for scripts.")
def write_command(bms: OpenBms, settings: tuple[str, ...], yes: bool) -> None:
    """Change settings of the BMS, and read them back.

    NAME is a name or the number of a register, VALUE is in the unit that 'tinybms-gw bms registers' shows, and must be
    in the range that it shows. What would contradict another setting (full above the over-voltage cutoff, say) is
    refused. Nothing is written before you agree; what loosens a protection of the battery is told.

    Several settings, a profile, are judged by what they end with, and written in an order in which none contradicts
    another at any time. When one fails the rest is not written, and the error says what was.

    \b
    Examples:
      tinybms-gw bms write --port /dev/ttyUSB0 fully_charged_voltage 4.15
      tinybms-gw bms write --port /dev/ttyUSB0 low_temperature_charger_cutoff -5 --yes
      tinybms-gw bms write --port /dev/ttyUSB0 300=3.45 301=2.95 315=3.65 316=2.8
    """
    from tinybms_gateway.bms import write_impl  # noqa: PLC0415

    changes = write_impl.parse_changes(settings)
    _require_consent_possible(yes)
    with bms() as client:
        plan = write_impl.plan(client, changes)
        for step in plan.unchanged:
            click.echo(f"{step.name}: is {step.present} already; nothing was written")
        if not plan.steps:
            return
        for step in plan.steps:
            click.echo(f"{step.name}: {step.present} -> {step.change.text}")
        for sentence in plan.confirmations:
            click.echo(f"attention: {sentence}", err=True)
        _ask(yes)
        write_impl.write_all(
            client,
            [step.change for step in plan.steps],
            yes or bool(plan.confirmations),
            lambda name, text: click.echo(f"{name}: written, reads back {text}"),
        )


@bms_group.command("reset")
@on_line
@click.argument("what", type=click.Choice(["events", "statistics", "bms"]))
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def reset_command(bms: OpenBms, what: str, yes: bool) -> None:
    """Clear the event log or the statistics of the BMS, or restart it.

    The battery may be cut off while the BMS restarts. Whatever is asked is sent once, never again unseen.

    \b
    Examples:
      tinybms-gw bms reset --port /dev/ttyUSB0 statistics
    """
    from tinybms_gateway.bms import write_impl  # noqa: PLC0415

    _require_consent_possible(yes)
    with bms() as client:
        click.echo("the BMS is to be restarted" if what == "bms" else f"the {what} of the BMS are to be cleared")
        _ask(yes)
        write_impl.reset(client, what)
    click.echo("restarted" if what == "bms" else "cleared")


@bms_group.command("events")
@on_line
@click.option("--all", "everything", is_flag=True, help="All that the BMS keeps, not only the newest.")
@click.option("--follow", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow one object a line.")
def events_command(bms: OpenBms, everything: bool, follow: bool, as_json: bool) -> None:
    """Show the events of the BMS, newest last.

    Each with its time on the clock of the BMS, its age and its meaning. Where their times do not tell their order, a
    line on stderr says so.

    \b
    Examples:
      tinybms-gw bms events --port /dev/ttyUSB0 --all
    """
    from tinybms_gateway.bms import events_impl  # noqa: PLC0415
    from tinybms_gateway.signals import until_interrupted  # noqa: PLC0415

    def show(event: events_impl.ShownEvent) -> None:
        click.echo(json.dumps(event.as_json()) if as_json else str(event))

    with until_interrupted() if follow else contextlib.nullcontext(), bms() as client:
        told = client.events(all_of_them=everything)
        events = events_impl.shown(told)
        if not told.order_known:
            click.echo(events_impl.ORDER_UNKNOWN, err=True)
        if as_json and not follow:
            print_json([event.as_json() for event in events])
            return
        for event in events:
            show(event)
        if follow:
            for event in events_impl.follow(client, events):
                show(event)
        elif not events:
            click.echo("no events")


@bms_group.command("monitor")
@on_line
@click.option("--interval", type=Seconds(), default=1.0, show_default=True, metavar="S",
              help="Time from one measurement to the next; the BMS itself measures every 0.1 s.")  # fmt: skip
@click.option("--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write each measurement to a new file, too.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many.")
def monitor_command(bms: OpenBms, interval: float, csv_path: Path | None, count: int | None) -> None:
    """Show the measurements live until Ctrl-C.

    As a table on a terminal, else a line each.

    \b
    Examples:
      tinybms-gw bms monitor --port /dev/ttyUSB0
      tinybms-gw bms monitor --port /dev/ttyUSB0 --interval 10 --csv night.csv
    """
    from rich.live import Live  # noqa: PLC0415

    from tinybms_gateway.bms import monitor_impl  # noqa: PLC0415
    from tinybms_gateway.signals import until_interrupted  # noqa: PLC0415
    from tinybms_gateway.terminal import make_console  # noqa: PLC0415

    console = make_console()
    with contextlib.ExitStack() as stack:
        stack.enter_context(until_interrupted())
        client = stack.enter_context(bms())
        record = stack.enter_context(monitor_impl.csv_file(csv_path)) if csv_path else None
        live = stack.enter_context(Live(console=console, auto_refresh=False)) if console.is_terminal else None
        for sample in monitor_impl.samples(client, interval, count):
            if record is not None:
                record(sample)
            if live is not None:
                live.update(monitor_impl.render(sample), refresh=True)
            else:
                click.echo(str(sample))


@bms_group.command("forget-sensor")
@click.argument("sensor", type=click.IntRange(1, 2))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, metavar="DIR",
              help="Where the gateway of this machine keeps its settings; it must not be running.")  # fmt: skip
def forget_sensor_command(sensor: int, data: Path) -> None:
    """Make a gateway forget a temperature sensor that was taken off.

    A gateway remembers each external temperature sensor of the BMS that it has seen, and charges nothing while one of
    them is gone. One that is still there is noticed again.

    \b
    Examples:
      tinybms-gw bms forget-sensor 2 --data /var/lib/tinybms
    """
    from tinybms_gateway.gateway.data_impl import forget_sensor  # noqa: PLC0415

    with usage_errors():
        click.echo(forget_sensor(data, sensor))


@bms_group.command("registers")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.option("--write", is_flag=True, help="Make the files that come from the firmware's table instead.")
@click.option("--check", is_flag=True, help="Only check that those files are current; exit status 1 when not.")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
              show_default="present directory", help="Root of the source tree, for --write and --check.")  # fmt: skip
def registers_command(as_json: bool, write: bool, check: bool, root: Path) -> None:
    """Show the registers: address, name, type, unit, range, access.

    \b
    Examples:
      tinybms-gw bms registers
      tinybms-gw bms registers --json
      tinybms-gw bms registers --check
    """
    from tinybms_gateway.bms import table  # noqa: PLC0415

    if write or check:
        from tinybms_gateway.bms import registers_impl  # noqa: PLC0415

        with usage_errors():
            write_or_check(root, registers_impl.generate(), check)
        return
    registers = table.registers()
    if as_json:
        print_json([asdict(register) for register in registers])
        return
    rows = [[str(r.address), r.name, r.type, r.unit, table.range_text(r), r.access] for r in registers]
    _print_table("register", "name", "type", "unit", "range", "access", rows=rows)


def _require_consent_possible(yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise UsageProblem("nobody can be asked here; nothing was written: give --yes to agree beforehand")


def _ask(yes: bool) -> None:
    if not yes and not click.confirm("write it to the BMS?"):
        raise click.ClickException("nothing was written")
