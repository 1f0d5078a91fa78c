"""The event log of the BMS, in words."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, EventList
from tinybms_gateway.bms.table import EventKind

FOLLOW_EVERY_S = 1.0
ORDER_UNKNOWN = "the times of these events do not tell their order: those of one second are as the BMS lists them"


@dataclass(frozen=True)
class ShownEvent:
    """An event with its meaning and its age."""

    id: int
    kind: str
    text: str
    time_s: int
    """Of the lifetime counter of the BMS: the 24 bits of the event made whole with the BMS's present time."""
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
        # One that seems older than the BMS itself: its clock was set back, so its own 24 bits are all there is.
        time_s = events.bms_time_s - age_s if age_s <= events.bms_time_s else event.time_s
        found.append(ShownEvent(event.id, kind.kind, kind.text, time_s, age_s))
    return found


def follow(client: BmsClient, already: list[ShownEvent]) -> Iterator[ShownEvent]:
    """New events as they come, without end; those that were shown already are not new."""
    seen = {(event.id, event.time_s) for event in already}
    while True:
        time.sleep(FOLLOW_EVERY_S)
        for event in shown(client.events(all_of_them=False)):
            if (event.id, event.time_s) not in seen:
                seen.add((event.id, event.time_s))
                yield event


def duration(seconds: int) -> str:
    """A number of seconds for people: days, hours, minutes, seconds."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d {hour:02}:{minute:02}:{second:02}"
