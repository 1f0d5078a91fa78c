"""What the DBC cannot say about the protocol: required frames, senders, texts, further lengths.

Source, unless stated otherwise: Victron, CAN-bus BMS Protocol, 2021-04-17.
"""

import cantools.database

BITRATE = 500_000
"""Of the bus, bit/s."""

TEXT_IDS = frozenset({0x35E, 0x370, 0x371, 0x374, 0x375, 0x376, 0x377, 0x380, 0x381, 0x382})
"""Frames of one eight-character text."""

LIMITS_ID, ALARMS_ID, KEEPALIVE_ID = 0x351, 0x35A, 0x305

REQUIRED = {0x351: "limits", 0x355: "state of charge", 0x356: "measurements", 0x35A: "alarms"}
"""Sent every second; without them a GX accepts no battery. Identifier -> what it is about."""

GX_FRAMES = {KEEPALIVE_ID: bytes(8), 0x307: b"\x12\x34\x56\x78VIC\0"}
"""What a GX sends every second: its keepalive and its identity."""

GX_IDS = frozenset(GX_FRAMES)
"""Sent by the GX; all others are sent by the battery."""

LIMITS_LOST_S = 3
"""After this time without 0x351 a GX stops charging and discharging."""

KEEPALIVE_LOST_S = 10
"""After this time without 0x305 the gateway warns that the GX is lost (docs/what_happens_when.md)."""

RESERVED_ALARM_BITS = 0xF000_0000_FC00_0000
"""Of 0x35A as a little-endian number: byte 3 bits 2 to 7, byte 7 bits 4 to 7."""

NO_TEMPERATURE = (0, 0xFFFF)
"""A missing temperature in 0x373."""

SENSOR_TEXT_IDS = (0x376, 0x377)
"""Names of the coldest and of the hottest sensor."""

NOT_SUPPORTED = "not supported"
"""Meaning of the alarm fields that a battery cannot know; left out of the lines for people."""

_FURTHER_LENGTHS = {0x355: (4, 6), 0x356: (6,), 0x35F: (6,), 0x373: (4, 6), 0x379: (8,)}


def id_text(identifier: int, *, extended: bool = False) -> str:
    """``0x351``, or ``0x00000351`` of 29 bits."""
    return f"0x{identifier:08X}" if extended else f"0x{identifier:03X}"


def allowed_lengths(message: cantools.database.can.Message) -> tuple[int, ...]:
    """Numbers of data bytes that the protocol allows for a message: that of the DBC, and what Victron's page adds."""
    return (*_FURTHER_LENGTHS.get(message.frame_id, ()), message.length)
