"""What the simulated TinyBMS answers to the bytes of a request, from the manufacturer's protocol description, revision
D."""

import struct

from tinybms_gateway.bms.frames import ACK, COMMAND_ERROR, CRC_ERROR, NACK, START, crc, frame
from tinybms_gateway.sim.bms import registers as reg
from tinybms_gateway.sim.bms.device import TinyBms

PACKET_BYTES = 63

_FIXED_LENGTH = {0x02: 1, 0x03: 4, 0x07: 3, 0x1D: 3} | {
    command: 0 for command in (0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E, 0x1F, 0x20)
}
_LENGTH_BYTE_AT = {0x09: 0, 0x0B: 0, 0x0D: 0, 0x10: 4}
COMMANDS = frozenset(_FIXED_LENGTH) | frozenset(_LENGTH_BYTE_AT)


class RefusedError(Exception):
    """The request is answered negatively."""


def take_request(buffer: bytearray) -> bytes | None:
    """Take the first whole request out of the buffer, start byte to CRC; None: more bytes are needed.

    Bytes before a start byte are dropped. An unknown command is taken to have no data.
    """
    while buffer and buffer[0] != START:
        del buffer[0]
    if len(buffer) < 2:
        return None
    command = buffer[1]
    data_length = _FIXED_LENGTH.get(command, 0)
    if command in _LENGTH_BYTE_AT:
        at = 2 + _LENGTH_BYTE_AT[command]
        if len(buffer) <= at:
            return None
        data_length = _LENGTH_BYTE_AT[command] + 1 + buffer[at]
    length = 2 + data_length + 2
    if len(buffer) < length:
        return None
    request = bytes(buffer[:length])
    del buffer[:length]
    return request


def answer(bms: TinyBms, request: bytes, now_s: float, *, keep_writes: bool = True) -> bytes:
    """Carry out a request and make the answer.

    Args:
        bms: the device
        request: start byte to CRC, as `take_request` gives it
        now_s: current time, for a reset
        keep_writes: False: writes are acknowledged and forgotten (a fault to test the read-back with)
    """
    command, data = request[1], request[2:-2]
    if crc(request[:-2]) != request[-2:]:
        return frame(NACK, command, CRC_ERROR)
    try:
        return _perform(bms, command, data, now_s, keep_writes)
    except (RefusedError, ValueError):
        return frame(NACK, command, COMMAND_ERROR)


def _perform(bms: TinyBms, command: int, data: bytes, now_s: float, keep_writes: bool) -> bytes:
    if command == 0x02:
        return _reset(bms, data[0], now_s)
    if command in (0x03, 0x07, 0x09, 0x1D):
        return _read(bms, command, data)
    if command in (0x0B, 0x0D, 0x10):
        return _write(bms, command, data, keep_writes)
    if command in (0x11, 0x12):
        return _events(bms, command)
    return _measurement(bms, command)


def _reset(bms: TinyBms, option: int, now_s: float) -> bytes:
    if option == 0x01:
        bms.clear_events()
    elif option == 0x02:
        bms.clear_statistics()
    elif option == 0x05:
        bms.reset(now_s)
    else:
        raise RefusedError
    return frame(ACK, 0x02)


def _lsb_first(values: list[int]) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def _read(bms: TinyBms, command: int, data: bytes) -> bytes:
    if command == 0x03:
        address, zero, count = struct.unpack(">HBB", data)
        if zero != 0 or not 1 <= count <= 127:
            raise RefusedError
        return frame(command, 2 * count, struct.pack(f">{count}H", *bms.read(address, count)))
    if command == 0x07:
        count, address = struct.unpack("<BH", data)
        if not 1 <= count <= PACKET_BYTES // 2:
            raise RefusedError  # further packets of a long answer: their framing is not described
        return frame(command, 2 * count, _lsb_first(bms.read(address, count)))
    if command == 0x09:
        if data[0] == 0 or data[0] % 2 or 2 * data[0] > PACKET_BYTES:
            raise RefusedError
        addresses = struct.unpack(f"<{data[0] // 2}H", data[1:])
        pairs = [number for address in addresses for number in (address, bms.registers[address])]
        return frame(command, 2 * len(pairs), _lsb_first(pairs))
    return _settings_values(bms, *struct.unpack("<BBB", data))


# fmt: off
_MINIMUM = {
    300: 1200, 301: 1000, 303: 1000, 304: 100, 305: 1, 306: 10, 307: 4, 308: 15, 310: 5, 312: 1, 314: 1, 315: 1200,
    316: 800, 317: 1, 318: 1, 319: 20, 320: 0xFFD8, 321: 60, 322: 10, 332: 1, 333: 1, 335: 1,
}
_MAXIMUM = {
    300: 4500, 301: 3500, 303: 4500, 304: 5000, 305: 750, 306: 65500, 307: 16, 308: 100, 310: 60, 311: 60, 312: 0x86A0,
    313: 1, 314: 5, 315: 4500, 316: 3500, 317: 750, 318: 750, 319: 90, 320: 10, 321: 95, 322: 65000, 323: 50000,
    328: 50000, 329: 0b111, 330: 0x1E01, 331: 8, 332: 30, 333: 9, 334: 6, 335: 7, 336: 2, 337: 0x10, 338: 7, 339: 1,
    340: 1, 341: 8, 342: 7, 343: 2,
}
_DEFAULT = {
    300: 4180, 301: 3000, 303: 3200, 304: 1000, 305: 70, 306: 2000, 307: 16, 308: 15, 310: 20, 311: 5, 312: 1, 314: 2,
    315: 4200, 316: 2900, 317: 60, 318: 30, 319: 60, 320: 1, 321: 80, 322: 1000, 330: 0x0501, 332: 5,
    333: 1, 335: 1, 338: 3,
}
# fmt: on


def _settings_values(bms: TinyBms, option: int, zero: int, count: int) -> bytes:
    tables = {1: _MINIMUM, 2: _MAXIMUM, 3: _DEFAULT}
    if zero != 0 or option not in (1, 2, 3, 4) or not 1 <= count <= 100:
        raise RefusedError
    addresses = range(reg.WRITABLE.start, reg.WRITABLE.start + count)
    values = bms.read(addresses.start, count) if option == 4 else [tables[option].get(a, 0) for a in addresses]
    return frame(0x1D, 2 * count, _lsb_first(values))


def _write(bms: TinyBms, command: int, data: bytes, keep_writes: bool) -> bytes:
    if command == 0x10:
        address, zero, count, length = struct.unpack(">HBBB", data[:5])
        if zero != 0 or length != 2 * count or not 1 <= count <= 100:
            raise RefusedError
        values = struct.unpack(f">{count}H", data[5:])
        pairs = [(address + i, value) for i, value in enumerate(values)]
        reply = frame(command, data[:4])
    elif command == 0x0B:
        if data[0] < 4 or data[0] % 2 or data[0] > PACKET_BYTES:
            raise RefusedError
        address, *values_lsb = struct.unpack(f"<{data[0] // 2}H", data[1:])
        pairs = [(address + i, value) for i, value in enumerate(values_lsb)]
        reply = frame(ACK, command)
    else:
        if data[0] == 0 or data[0] % 4 or data[0] > PACKET_BYTES:
            raise RefusedError
        numbers = struct.unpack(f"<{data[0] // 2}H", data[1:])
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        reply = frame(ACK, command)
    if any(address not in reg.WRITABLE for address, _ in pairs):
        raise RefusedError
    if keep_writes:
        for address, value in pairs:
            bms.write(address, value)
    return reply


def _events(bms: TinyBms, command: int) -> bytes:
    events = bms.newest_events() if command == 0x11 else bms.events
    entries = b"".join(event.time_s.to_bytes(3, "little") + bytes([event.id]) for event in bms.listed(events))
    payload = int(bms.lifetime_s).to_bytes(4, "little") + entries
    return frame(command, len(payload), payload)


def _measurement(bms: TinyBms, command: int) -> bytes:
    r = bms.registers
    words = {
        0x14: (36, 2),
        0x15: (38, 2),
        0x16: (41, 1),
        0x17: (40, 1),
        0x18: (50, 1),
        0x19: (32, 2),
        0x1A: (46, 2),
    }
    if command in words:
        return frame(command, _lsb_first(bms.read(*words[command])))
    if command == 0x1B:
        return frame(command, 6, _lsb_first([r[48], r[42], r[43]]))
    if command == 0x1C:
        count = min(r[reg.CELL_COUNT], 16)
        return frame(command, 2 * count, _lsb_first(bms.read(16 - count, count)))
    if command in (0x1E, 0x1F):
        version = bytes([r[500] & 0xFF, r[500] >> 8, r[501] & 0xFF]) + _lsb_first([r[502]])
        if command == 0x1F:
            version += bytes([r[503] & 0xFF, r[503] >> 8])
        return frame(command, len(version), version)
    if command == 0x20:
        seconds = int(bms.lifetime_s)
        return frame(
            command,
            _lsb_first(bms.read(reg.SPEED, 2)),
            struct.pack("<II", r.u32(reg.DISTANCE) // 100000, seconds),
        )
    raise RefusedError
