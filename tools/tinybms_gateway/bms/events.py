"""``tinybms-gw bms events``: the event log of the BMS, in words."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, EventList
from tinybms_gateway.bms.options import OpenBms, on_line
from tinybms_gateway.bms.table import EventKind, duration
from tinybms_gateway.command_line import print_json, until_interrupted

FOLLOW_EVERY_S = 1.0
ORDER_UNKNOWN = "the times of these events do not show their order; events of the same second are as the BMS lists them"


@dataclass(frozen=True)
class ShownEvent:
    """An event with its meaning and its age."""

    id: int
    kind: str
    text: str
    time_s: int
    """On the lifetime counter of the BMS: the event's 24 bits, completed from the BMS's current time."""
    age_s: int

    def __str__(self) -> str:
        return (
            f"{duration(self.time_s):>16}  {duration(self.age_s):>16} ago  0x{self.id:02X} {self.kind:11}  {self.text}"
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"time_s": self.time_s, "age_s": self.age_s, "id": self.id, "kind": self.kind, "text": self.text}


def shown(events: EventList) -> list[ShownEvent]:
    """Events with their meaning, newest last."""
    found = []
    for event in events.events:
        kind = table.event_kinds().get(event.id, EventKind(event.id, "unknown", "unknown event"))
        age_s = events.age_s(event)
        # An event that seems older than the BMS itself: its clock was set back, so the 24 bits are all there is.
        time_s = events.bms_time_s - age_s if age_s <= events.bms_time_s else event.time_s
        found.append(ShownEvent(event.id, kind.kind, kind.text, time_s, age_s))
    return found


def new_events(client: BmsClient, already: list[ShownEvent]) -> Iterator[ShownEvent]:
    """New events as they arrive, endlessly; events already shown are not new."""
    seen = {(event.id, event.time_s) for event in already}
    while True:
        time.sleep(FOLLOW_EVERY_S)
        for event in shown(client.events(all_of_them=False)):
            if (event.id, event.time_s) not in seen:
                seen.add((event.id, event.time_s))
                yield event


@click.command("events")
@on_line
@click.option("--all", "everything", is_flag=True, help="Show all stored events, not only the newest.")
@click.option("--follow", is_flag=True, help="Keep showing new events as they arrive, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow, one object per line.")
def events_command(bms: OpenBms, everything: bool, follow: bool, as_json: bool) -> None:
    """Show the events of the BMS, newest last.

    Each event is shown with its time on the BMS clock, its age and its meaning. If the times do not show the order, a
    line on stderr says so.

    \b
    Examples:
      tinybms-gw bms events --port /dev/ttyUSB0 --all
    """

    def show(event: ShownEvent) -> None:
        click.echo(json.dumps(event.as_json()) if as_json else str(event))

    with until_interrupted() if follow else contextlib.nullcontext(), bms() as client:
        told = client.events(all_of_them=everything)
        events = shown(told)
        if not told.order_known:
            click.echo(ORDER_UNKNOWN, err=True)
        if as_json and not follow:
            print_json([event.as_json() for event in events])
            return
        for event in events:
            show(event)
        if follow:
            for event in new_events(client, events):
                show(event)
        elif not events:
            click.echo("no events")
