"""Messages of python-can as blocks, and the text formats that it reads."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import can
import numpy as np
from can.io.generic import MessageReader

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.reader.blocks import Channels
from tinybms_gateway.can.reader.error import CaptureError, not_readable, unreadable_line
from tinybms_gateway.can.reader.source import LineFile, Source

BLOCK_MESSAGES = 20_000
LONGEST_DATA = {False: 8, True: 64}
"""By whether it is CAN FD."""
_EXPECTED = {can.TRCReader: "a line of a TRC file", can.ASCReader: "a line of an ASC file", can.CSVReader:
             "timestamp,arbitration_id,extended,remote,error,dlc,data as python-can writes it"}  # fmt: skip
Row = tuple[int, int, int, int, int, int]
"""Time, identifier, flags, length, data, channel."""


def read_text(source: Source, channels: Channels, reader_class: type[MessageReader]) -> Iterator[FrameBlock]:
    """Read a text format, line by line.

    Raises:
        CaptureError: a line is invalid; the frames before it have been handed out.
    """
    lines = LineFile(source)

    def failure(error: Exception) -> CaptureError:
        if not lines.number:
            return not_readable(source.path, error)
        return unreadable_line(source.path, lines.number, lines.line, _EXPECTED[reader_class])

    return _blocks(lambda: reader_class(lines), channels, failure)  # type: ignore[arg-type]


def _blocks(
    open_reader: Callable[[], MessageReader], channels: Channels, failure: Callable[[Exception], CaptureError]
) -> Iterator[FrameBlock]:
    rows: list[Row] = []
    broken: CaptureError | None = None
    logging.getLogger("can.io").setLevel(logging.ERROR)  # its warnings are about single objects, without the file
    try:
        with open_reader() as reader:
            for message in reader:
                _check(message)
                rows.append(_row(message, channels.number(str(message.channel or 0))))
                if len(rows) == BLOCK_MESSAGES:
                    yield _block(rows)
                    rows = []
    except CaptureError as error:
        broken = error
    except Exception as error:
        broken = failure(error)
        broken.__cause__ = error
    if rows:
        yield _block(rows)
    if broken:
        raise broken


def block_of(messages: Sequence[can.Message]) -> FrameBlock:
    """Messages of one bus, in the order of their times."""
    return _block([_row(message, 0) for message in messages])


def _check(message: can.Message) -> None:
    if len(message.data) > LONGEST_DATA[message.is_fd] or not 0 <= message.arbitration_id <= 0x1FFFFFFF:
        raise ValueError("impossible data length or identifier")
    if not -(2**63) <= round(message.timestamp * 1e6) < 2**63:
        raise ValueError("invalid time")


def _row(message: can.Message, channel: int) -> Row:
    data = bytes(message.data)
    return (
        round(message.timestamp * 1e6),
        message.arbitration_id,
        _flags(message),
        len(data),
        int.from_bytes(data[:8], "little"),
        channel,
    )


def _flags(message: can.Message) -> int:
    return (
        Flag.EXTENDED * (message.is_extended_id and not message.is_error_frame)
        | Flag.REMOTE * message.is_remote_frame
        | Flag.ERROR * message.is_error_frame
        | Flag.FD * message.is_fd
        | Flag.SENT * (not message.is_rx)
    )


def _block(rows: list[Row]) -> FrameBlock:
    columns: Any = zip(*rows, strict=True)
    types = (np.int64, np.uint32, np.uint8, np.uint8, np.uint64, np.uint8)
    return FrameBlock(0, *(np.array(column, kind) for column, kind in zip(columns, types, strict=True)))
