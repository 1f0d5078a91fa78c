"""Frames of a healthy battery and its GX, and how they are heard; made from the protocol's table by hand."""

import can

from tinybms_gateway.check.bus_listener import Traffic

HEALTHY = {
    0x351: "30 02 E8 03 DC 05 80 01",  # 56.0 V, 100.0 A, 150.0 A, 38.4 V
    0x355: "50 00 63 00 3F 1F 00 00",  # 80 %, 99 %, 79.99 %
    0x356: "D0 14 9C FF D7 00 00 00",  # 53.28 V, -10.0 A, 21.5 degC
    0x35A: "AA AA AA 02 AA AA AA 0A",  # thirteen alarms and warnings OK, online
    0x35E: "54 69 6E 79 42 4D 53 00",  # TinyBMS
    0x35F: "02 01 03 07 64 00 00 00",  # model 258, firmware 3.7, 100 Ah
    0x380: "30 31 32 33 34 35 36 37",
    0x305: "00 00 00 00 00 00 00 00",
}
SLOW = {0x35E: 5.0, 0x35F: 5.0, 0x380: 5.0}
"""Periods in seconds; all others: 1."""


def frame(identifier: int, data: str, *, extended: bool = False) -> can.Message:
    return can.Message(arbitration_id=identifier, data=bytes.fromhex(data), is_extended_id=extended)


def heard(
    frames: dict[int, str | None] | None = None,
    *,
    seconds: float = 6.0,
    without: tuple[int, ...] = (),
    extra: tuple[tuple[float, can.Message], ...] = (),
    keepalive_sent: bool = False,
) -> Traffic:
    """Traffic of some seconds.

    Args:
        frames: other content for some identifiers
        seconds: how long
        without: identifiers that are not sent
        extra: further frames, with their time in seconds
        keepalive_sent: the check played the GX
    """
    content = {**HEALTHY, **(frames or {})}
    sent = list(extra)
    for index, (identifier, data) in enumerate(content.items()):
        if identifier not in without and data is not None:
            period = SLOW.get(identifier, 1.0)
            times = [0.02 * index + period * n for n in range(100) if 0.02 * index + period * n < seconds]
            sent += [(at, frame(identifier, data)) for at in times]
    traffic = Traffic(0.0, 0.0, keepalive_sent)
    for at, message in sorted(sent, key=lambda one: one[0]):
        traffic.take(message, at)
    traffic.ended_s = seconds
    return traffic
