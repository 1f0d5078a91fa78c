"""What has been on the bus: how often each identifier, how much of the bus it takes, and its newest frame."""

from dataclasses import dataclass

import can

from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.protocol import id_text

MOST_IDS = 4096
"""Identifiers that are told apart; a bus with all 29-bit ones does not fill the memory."""
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


def bits_of(message: can.Message) -> int:
    """Bits that a classic frame takes on the bus, with stuff bits and the pause behind it.

    Source: ISO 11898-1: start bit to CRC are stuffed after five equal bits; CRC delimiter, acknowledge, end of frame
    and intermission, 13 bits, are not.
    """
    identifier = message.arbitration_id
    remote = int(message.is_remote_frame)
    if message.is_extended_id:
        head = f"0{identifier >> 18 & 0x7FF:011b}11{identifier & 0x3FFFF:018b}{remote}00"
    else:
        head = f"0{identifier & 0x7FF:011b}{remote}00"
    data = "" if remote else "".join(f"{byte:08b}" for byte in message.data[:8])
    bits = f"{head}{min(message.dlc, 8):04b}{data}"
    bits += f"{_crc15(bits):015b}"
    return len(bits) + _stuff_bits(bits) + 13


def _crc15(bits: str) -> int:
    crc = 0
    for bit in bits:
        crc = (crc << 1 ^ (0x4599 if (bit == "1") != bool(crc & 0x4000) else 0)) & 0x7FFF
    return crc


def _stuff_bits(bits: str) -> int:
    stuffed, last, run = 0, "", 0
    for bit in bits:
        run = run + 1 if bit == last else 1
        last = bit
        if run == 5:
            stuffed += 1
            last, run = "0" if bit == "1" else "1", 1
    return stuffed
