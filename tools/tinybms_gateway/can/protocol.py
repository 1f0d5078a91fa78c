"""What the DBC cannot say of the protocol: texts, further lengths, who sends what."""

import cantools.database

BITRATE = 500_000
"""Of the bus, bit/s."""

TEXT_IDS = frozenset({0x35E, 0x370, 0x371, 0x374, 0x375, 0x376, 0x377, 0x380, 0x381, 0x382})
"""Frames of one eight-character text."""

GX_IDS = frozenset({0x305, 0x307})
"""Sent by the GX; all others by the battery."""

NOT_SUPPORTED = "not supported"
"""Meaning of the alarm fields that a battery cannot know; left out of the lines for people."""

_FURTHER_LENGTHS = {0x355: (4, 6), 0x356: (6,), 0x35F: (6,), 0x373: (4, 6), 0x379: (8,)}


def allowed_lengths(message: cantools.database.can.Message) -> tuple[int, ...]:
    """Numbers of data bytes that the protocol allows for a message: that of the DBC, and what Victron's page adds."""
    return (*_FURTHER_LENGTHS.get(message.frame_id, ()), message.length)
