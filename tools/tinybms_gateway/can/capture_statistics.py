"""Statistics of the bus: for each identifier its count, its share of the bus and its newest frame."""

from dataclasses import dataclass

import can

from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.protocol import id_text

MOST_IDS = 4096
"""Most identifiers counted separately: a bus with all 29-bit ones must not fill the memory."""
Key = tuple[int, bool]
"""Identifier, and whether it has 29 bits."""


@dataclass
class Seen:
    """Frames of one identifier."""

    newest: can.Message
    newest_s: float
    """When it came, by `time.monotonic`."""
    count: int = 0


class Statistics:
    """Counts frames."""

    def __init__(self) -> None:
        self.frames = 0
        self.seen: dict[Key, Seen] = {}
        self.not_told_apart = 0
        """Frames of identifiers beyond `MOST_IDS`."""
        self._known = {message.frame_id for message in load_database().messages}

    def take(self, message: can.Message, now_s: float) -> None:
        """Count a frame."""
        self.frames += 1
        key = (message.arbitration_id, bool(message.is_extended_id))
        seen = self.seen.get(key)
        if seen is None:
            if len(self.seen) >= MOST_IDS:
                self.not_told_apart += 1
                return
            seen = self.seen[key] = Seen(message, now_s)
        seen.newest, seen.newest_s = message, now_s
        seen.count += 1

    def is_known(self, key: Key) -> bool:
        """Whether the identifier is one of this protocol."""
        identifier, extended = key
        return not extended and identifier in self._known

    def counts(self) -> dict[str, int]:
        """Frames of each identifier, as people write it."""
        return {id_text(n, extended=wide): seen.count for (n, wide), seen in sorted(list(self.seen.items()))}
