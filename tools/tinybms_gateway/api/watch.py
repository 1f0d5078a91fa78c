"""``tinybms-gw api watch``: what changes, as it changes."""

import contextlib
import json
from typing import Any

import click

from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.command_line import Seconds, lazy_imports, until_interrupted
from tinybms_gateway.foreign_text import shortened

with lazy_imports():
    from tinybms_gateway.api import view

ACTIVE = ("alarms", "warnings", "faults")
LONGEST = 256
"""Digits of a frame; there are 240 at most."""
SHOWN = ("pack_voltage_mv", "pack_current_ma", "soc_ppm", "cvl_mv", "ccl_ma", "dcl_ma")


@click.command("watch")
@of_gateway
@click.option("--can", is_flag=True, help="Also show the frames on the CAN bus.")
@click.option("--uart", is_flag=True, help="Also show the traffic with the BMS.")
@click.option("--seconds", type=Seconds(), metavar="S", help="Stop after this time.")
@click.option("--json", "as_json", is_flag=True, help="Print each message as the gateway sent it, one on a line.")
def watch_command(gateway: OpenGateway, can: bool, uart: bool, seconds: float | None, as_json: bool) -> None:
    """Show the battery live until Ctrl-C, one line for each new state.

    --can and --uart add the frames on the CAN bus and the traffic with the BMS, as candump shows frames. Times are
    seconds since the start of the gateway. What was lost, because this program or the network was too slow, is told on
    stderr.

    \b
    Examples:
      tinybms-gw api watch --url http://192.168.1.20
      tinybms-gw api watch --url http://192.168.1.20 --can --uart --seconds 10
      tinybms-gw api watch --url http://192.168.1.20 --can --json | jq -c 'select(.type == "can")'
    """
    topics = [topic for topic, wanted in (("can", can), ("uart", uart)) if wanted]
    lost: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(until_interrupted())
        opened = stack.enter_context(gateway())
        messages = stack.enter_context(opened.listen(topics, seconds))
        for message in messages:
            _note_lost(message, lost)
            for line in [json.dumps(message)] if as_json else lines(message):
                click.echo(line)


def lines(message: dict[str, Any]) -> list[str]:
    """A message for people; one of an unknown type is nothing."""
    kind = message["type"]
    if kind == "state":
        return [_state(view.part(message, "state"))]
    return [_frame(kind, frame) for frame in view.records(message, "frames")] if kind in ("can", "uart") else []


def _state(state: dict[str, Any]) -> str:
    values = [f"{view.label(name)} {view.text(name, state.get(name))}" for name in SHOWN]
    active = [f"{name.upper()}: {view.text(name, state[name])}" for name in ACTIVE if state.get(name)]
    return "  ".join([_time(state.get("uptime_ms")), view.text("status", state.get("status")), *values, *active])


def _frame(kind: str, frame: dict[str, Any]) -> str:
    """As candump shows it; R = remote."""
    data = shortened(str(frame.get("data")), LONGEST)
    content = "R" if frame.get("remote") else " ".join(data[i : i + 2] for i in range(0, len(data), 2))
    direction = "sent" if frame.get("sent") else "got"
    return f"{_time(frame.get('time_ms'))}  {kind:4} {direction:4}  {_id(frame)}[{len(data) // 2}]  {content}".rstrip()


def _time(time_ms: object) -> str:
    return f"{time_ms / 1000:12.3f}" if isinstance(time_ms, int) else f"{'?':>12}"


def _id(frame: dict[str, Any]) -> str:
    identifier = frame.get("id")
    if not isinstance(identifier, int):
        return ""
    return f"{identifier:08X}  " if frame.get("extended") else f"{identifier:8X}  "


def _note_lost(message: dict[str, Any], lost: dict[str, int]) -> None:
    kind, now = message["type"], message.get("lost")
    if isinstance(now, int) and now > lost.get(kind, 0):
        what = "states" if kind == "state" else f"{kind.upper()} frames"
        click.echo(f"lost: {now} {view.text('type', what)} so far", err=True)
        lost[kind] = now
