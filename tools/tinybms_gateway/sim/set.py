"""``tinybms-gw sim set``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json, usage_errors

with lazy_imports():
    from tinybms_gateway.sim.bms import control as control_socket


@click.command("set")
@click.option("--control", required=True, type=click.Path(path_type=Path), metavar="SOCKET",
              help="The socket that 'tinybms-gw sim bms --control' serves.")  # fmt: skip
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--fault", "faults", multiple=True, metavar="NAME=VALUE", help="Change a fault; 0 ends it.")
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
def set_command(control: Path, values: tuple[str, ...], faults: tuple[str, ...], as_json: bool) -> None:
    """Set values of a running simulated TinyBMS, and print its measurements.

    Names: soc, soh, current, voltage, spread, temp1, temp2, internal, status, lifetime, fault, event, or reg.N for any
    register. Values without effect are refused: the measurements of a pack follow from its soc, current, spread and
    temperatures; only a dump's registers can be set one by one. force.N=VALUE makes register N read that value,
    whatever the simulator writes there, until free.N=1; the commands that list events ignore it.

    \b
    Examples:
      tinybms-gw sim set --control /tmp/bms.control soc=20 current=-30
      tinybms-gw sim set --control /tmp/bms.control force.40=2500    # until free.40=1
      tinybms-gw sim set --control /tmp/bms.control --fault silence=1
    """
    with usage_errors():
        answer = control_socket.send_command(control, _numbers(values), _numbers(faults))
    if not answer["ok"]:
        raise UsageProblem(str(answer["error"]))
    if as_json:
        print_json(answer["values"])
    else:
        for name, value in answer["values"].items():
            click.echo(f"{name:8} {value:g}")


def _numbers(texts: tuple[str, ...]) -> dict[str, float]:
    numbers = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            numbers[name] = float(int(value, 0)) if value.lower().startswith("0x") else float(value)
        except ValueError:
            raise ValueError(
                f"'{text}': give NAME=NUMBER" if not equals else f"'{text}': '{value}' is not a number"
            ) from None
    return numbers
