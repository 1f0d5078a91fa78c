"""One line of ``candump -L``, of any form that candump and python-can write."""

import re
from typing import NamedTuple

from tinybms_gateway.can.columns import Flag

EXPECTED = "'(seconds.microseconds) interface id#data', as 'candump -L' writes it"
ERROR_BIT = 0x20000000
"""In an identifier: it is an error frame, and the lower bits say of what kind (linux/can.h)."""
ID_MASK = 0x1FFFFFFF
_MICROSECOND_DIGITS = 6
_LINE = re.compile(
    rb"""\s*\((?P<seconds>\d{1,12})(?:\.(?P<fraction>\d*))?\)
    \s+(?P<channel>\S+)
    \s+(?P<id>[0-9A-Fa-f]{1,8})\#
    (?:(?P<remote>[Rr])[0-8]?(?:_[0-9A-Fa-f])?
      |\#(?P<fd>[0-9A-Fa-f])(?P<fd_data>(?:[0-9A-Fa-f]{2}){0,64})
      |(?P<data>(?:[0-9A-Fa-f]{2}){0,8})(?:_[0-9A-Fa-f])?)
    (?:\s+(?P<direction>[RrTt]))?\s*""",
    re.VERBOSE,
)


class LineFrame(NamedTuple):
    """What a line says."""

    time_us: int
    id: int
    flags: int
    data: bytes
    channel: str


def read_line(line: bytes) -> LineFrame | None:
    """Read a line; None: it is invalid."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    fraction = (match["fraction"] or b"").ljust(_MICROSECOND_DIGITS, b"0")[:_MICROSECOND_DIGITS]
    time_us = int(match["seconds"]) * 10**_MICROSECOND_DIGITS + int(fraction)
    identifier = int(match["id"], 16)
    error = bool(identifier & ERROR_BIT)
    flags = (
        Flag.ERROR * error
        | Flag.EXTENDED * (len(match["id"]) > 3 and not error)
        | Flag.REMOTE * (match["remote"] is not None)
        | Flag.FD * (match["fd"] is not None)
        | Flag.SENT * (match["direction"] in (b"T", b"t"))
    )
    data = bytes.fromhex((match["data"] or match["fd_data"] or b"").decode())
    return LineFrame(time_us, identifier & ID_MASK, flags, data, match["channel"].decode("utf-8", "replace"))
