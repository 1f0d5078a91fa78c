"""The registers of a real 14-cell TinyBMS through the running gateway: every byte of every frame.

Worked out by hand from the registers and the protocol:

- 0x351: 300 = 4150 mV x 14 cells = 58.1 V; 318 = 20 A; 317 = 60 A (305 reads 0: no limit); 301 = 3000 mV x 14 = 42 V.
- 0x355: 46-47 = 83.554824 %: 84, 8355; 45 reads 0: SOH not estimated, 100.
- 0x356: 36-37 = 55.78 V, 38-39 = 0 A; no external sensor, so the BMS's own 9.7 degC (48 = 97).
- 0x35A: OK (2) for general, high and low voltage, low temperature while charging, high discharge and charge current,
  BMS internal; temperature alarms of the pack are 0 without a sensor; warnings general and BMS internal; online.
- 0x35F: 500 = 258; public firmware 1 (501 low byte), internal 242 (502 low byte); 306 = 66.00 Ah.
- 0x373: 40 = 3980, 41 = 3990 mV; no sensor: FF.
- 0x374, 0x375: register 2 holds the lowest cell (3980.0), register 9 the highest (3990.0).
- 0x378: no current, so nothing was counted yet.
"""

from pathlib import Path

from tinybms_gateway.demo.demo_impl import gateway_stack
from watch import collect, open_bus

EXPECTED = {
    0x351: "45 02 C8 00 58 02 A4 01",
    0x355: "54 00 64 00 A3 20 00 00",
    0x356: "CA 15 00 00 61 00 00 00",
    0x35A: "2A 80 82 00 02 00 80 08",
    0x35E: "54 69 6E 79 42 4D 53 00",
    0x35F: "02 01 01 F2 42 00 00 00",
    0x372: "01 00 00 00 00 00 00 00",
    0x373: "8C 0F 96 0F FF FF FF FF",
    0x374: "52 45 47 20 30 32 00 00",
    0x375: "52 45 47 20 30 39 00 00",
    0x378: "00 00 00 00 00 00 00 00",
    0x379: "42 00",
    0x382: "54 69 6E 79 42 4D 53 00",
}


def test_every_byte_of_every_frame_is_as_the_protocol_says(real_dump: Path) -> None:
    with gateway_stack(dump=real_dump) as stack, open_bus(stack.can_backend) as bus:
        frames = collect(bus, 8.0)
    assert {f"{m.arbitration_id:03X}: {m.data.hex(' ').upper()}" for m in frames} == {
        f"{identifier:03X}: {data}" for identifier, data in EXPECTED.items()
    }
    assert not any(m.is_extended_id for m in frames)


def test_frames_come_at_their_pace_and_never_in_bursts(real_dump: Path) -> None:
    with gateway_stack(dump=real_dump) as stack, open_bus(stack.can_backend) as bus:
        collect(bus, 1.0)
        frames = collect(bus, 10.0)
    count = {identifier: sum(m.arbitration_id == identifier for m in frames) for identifier in EXPECTED}
    for identifier in (0x351, 0x355, 0x356, 0x35A):
        assert 9 <= count[identifier] <= 11
    for identifier in (0x372, 0x373, 0x374, 0x375, 0x379):
        assert 4 <= count[identifier] <= 6
    for identifier in (0x35E, 0x35F, 0x382):
        assert 1 <= count[identifier] <= 3
    assert max(sum(0 <= b.timestamp - a.timestamp < 0.1 for b in frames) for a in frames) <= 6
