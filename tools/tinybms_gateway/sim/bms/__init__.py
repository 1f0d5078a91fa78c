"""``tinybms-gw sim bms``: a TinyBMS on a pseudo terminal or a serial port."""

from pathlib import Path

import click

from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.command_line import Seconds, lazy_imports, usage_errors
from tinybms_gateway.completion import completer, serial_ports
from tinybms_gateway.sim.bms.options import fault_option, scenario_option

with lazy_imports():
    from tinybms_gateway.sim.bms import simulator


@click.command("bms")
@click.option("--pty", "link", type=click.Path(path_type=Path), metavar="LINK",
              help="Symbolic link to create, to a pseudo terminal.")  # fmt: skip
@click.option("--port", metavar="DEVICE|URL", shell_complete=completer(serial_ports),
              help="Serial port, such as a USB-TTL adapter on the UART of a gateway, or socket://HOST:PORT for one "
              "that another program serves on TCP, such as an emulator; waits for it.")  # fmt: skip
@click.option("--dump", type=click.Path(path_type=Path), metavar="FILE.json",
              help="Simulate the device with the registers in this file; only its clock runs.")  # fmt: skip
@scenario_option("rest")
@fault_option()
@click.option("--events", "event_order", type=click.Choice([order.value for order in EventOrder]),
              default=EventOrder.OLDEST_FIRST.value, show_default=True,
              help="Event order of 0x11, 0x12 and registers 200 to 297; not stated by the manufacturer.")  # fmt: skip
@click.option("--control", type=click.Path(path_type=Path), metavar="SOCKET",
              help="Unix socket for 'tinybms-gw sim set'.")  # fmt: skip
@click.option("--asleep", is_flag=True, help="Start asleep: the first request is swallowed.")
@click.option("--seed", type=int, help="Random seed, for repeatable faults.")
@click.option("--seconds", type=Seconds(), help="Stop after this time.")
def bms_command(
    link: Path | None,
    port: str | None,
    dump: Path | None,
    scenario: str | None,
    faults: tuple[str, ...],
    event_order: str,
    control: Path | None,
    asleep: bool,
    seed: int | None,
    seconds: float | None,
) -> None:
    """Simulate a TinyBMS at 115200 baud, until Ctrl-C.

    It uses a pseudo terminal, a serial port, or one served on TCP.

    \b
    Examples:
      tinybms-gw sim bms --pty /tmp/bms --scenario day
      tinybms-gw sim bms --port /dev/ttyUSB1 --control /tmp/bms.control
      tinybms-gw sim bms --port socket://127.0.0.1:5556
      tinybms-gw sim bms --pty /tmp/bms --fault corrupt=0.05 --control /tmp/bms.control
      tinybms-gw sim bms --pty /tmp/bms --dump my_pack.json
    """
    with usage_errors():
        end = simulator.line_end(link, port)
        line = simulator.make_line(
            end, dump=dump, scenario=scenario, faults=faults, seed=seed, asleep=asleep,
            event_order=EventOrder(event_order),
        )  # fmt: skip
        simulator.run(line, control, seconds)
