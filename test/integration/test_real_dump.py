"""The registers of a real 14-cell TinyBMS through the running gateway: every byte of every frame.

Worked out by hand from the registers and the protocol:

- 0x351: CVL begins at float, (300 - 75 mV) x 14 cells = 57.05 V, and rises after a minute; 90 % of 318 = 20 A, and
  of that 87 %: the only sensor is the BMS's own, and its 9.7 degC are 8.7 above 320 = 1 degC, of 10 for everything;
  90 % of 317 = 60 A (305 reads 0: no limit); 301 = 3000 mV x 14 = 42 V. CCL and DCL rise from a tenth in 30 s.
- 0x355: 46-47 = 83.554824 %: 84, 8355; 45 reads 0: SOH not estimated, 100.
- 0x356: 36-37 = 55.78 V, 38-39 = 0 A; no external sensor, so the BMS's own 9.7 degC (48 = 97).
- 0x35A: OK (2) for general, high and low voltage, high discharge and charge current, BMS internal and imbalance, alarms
  and warnings alike; temperatures of the pack are 0 without a sensor, contactor and short circuit always; online.
- 0x35F: 500 = 258; public firmware 1 (501 low byte), internal 242 (502 low byte); 306 = 66.00 Ah.
- 0x373: 40 = 3980, 41 = 3990 mV; no sensor: FF.
- 0x378: nothing was charged or discharged yet.
- 0x374, 0x375: register 2 holds the lowest cell (3980.0), the first of 14; register 9 the highest (3990.0), the eighth.
- 0x378: no current, so nothing was counted yet.
"""

from pathlib import Path

import can

from support.instruments.watch import collect, open_bus, wait_for
from tinybms_gateway.gateway_stack import gateway_stack

EXPECTED = {
    0x351: "3A 02 9C 00 1C 02 A4 01",
    0x355: "54 00 64 00 A3 20 00 00",
    0x356: "CA 15 00 00 61 00 00 00",
    0x35A: "2A 80 82 02 2A 80 82 0A",
    0x35E: "54 69 6E 79 42 4D 53 00",
    0x35F: "02 01 01 F2 42 00 00 00",
    0x372: "01 00 00 00 00 00 00 00",
    0x373: "8C 0F 96 0F FF FF FF FF",
    0x374: "52 30 32 20 43 30 31 00",
    0x375: "52 30 39 20 43 30 38 00",
    0x378: "00 00 00 00 00 00 00 00",
    0x379: "42 00",
    0x382: "54 69 6E 79 42 4D 53 00",
}


FIRST_LIMITS = "3A 02 12 00 36 00 A4 01"
"""A tenth of 18.0 A and of 54.0 A."""
SCALE = 5.0


def text(message: can.Message) -> str:
    return f"{message.arbitration_id:03X}: {message.data.hex(' ').upper()}"


def test_every_byte_of_every_frame_is_as_the_protocol_says(real_dump: Path) -> None:
    with gateway_stack(dump=real_dump, time_scale=SCALE) as stack, open_bus(stack.can_backend) as bus:
        rising = [wait_for(bus, lambda _: True, 5.0), *collect(bus, 32.0 / SCALE)]
        frames = collect(bus, 8.0 / SCALE)
    assert text(rising[0]) == f"351: {FIRST_LIMITS}"
    expected = {f"{identifier:03X}: {data}" for identifier, data in EXPECTED.items()}
    assert {text(m) for m in frames} == expected
    assert {text(m) for m in rising if m.arbitration_id != 0x351} == {t for t in expected if not t.startswith("351")}
    assert not any(m.is_extended_id for m in frames)


def test_frames_come_at_their_pace_and_never_in_bursts(real_dump: Path) -> None:
    with gateway_stack(dump=real_dump) as stack, open_bus(stack.can_backend) as bus:
        collect(bus, 1.0)
        frames = collect(bus, 10.0)
    count = {identifier: sum(m.arbitration_id == identifier for m in frames) for identifier in EXPECTED}
    for identifier in (0x351, 0x355, 0x356, 0x35A):
        assert 9 <= count[identifier] <= 11, f"0x{identifier:03X}"
    for identifier in (0x372, 0x373, 0x374, 0x375, 0x378, 0x379):
        assert 4 <= count[identifier] <= 6, f"0x{identifier:03X}"
    for identifier in (0x35E, 0x35F, 0x382):
        assert 1 <= count[identifier] <= 3, f"0x{identifier:03X}"
    assert max(sum(0 <= b.timestamp - a.timestamp < 0.1 for b in frames) for a in frames) <= 6
