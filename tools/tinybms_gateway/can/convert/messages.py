"""Blocks of frames as python-can's messages, for python-can's writers."""

from collections.abc import Iterator

import can
import numpy as np

from tinybms_gateway.can.columns import Flag, FrameBlock

NO_CHANNEL = ("", "None")
"""Names of the channel of formats that have none."""


def whole_frames(block: FrameBlock) -> FrameBlock:
    """Those whose data a block holds whole: all but CAN FD."""
    whole = (block.flags & Flag.FD) == 0
    return block if bool(whole.all()) else block.take(np.flatnonzero(whole))


def messages(block: FrameBlock, channels: list[str]) -> Iterator[can.Message]:
    """The frames of a block one by one.

    Args:
        block: without CAN FD
        channels: names, by index (`Capture.channels`)
    """
    names = [None if name in NO_CHANNEL else name for name in channels]
    for time_us, identifier, flags, length, data, channel in zip(
        block.time_us.tolist(),
        block.id.tolist(),
        block.flags.tolist(),
        block.length.tolist(),
        block.data.tolist(),
        block.channel.tolist(),
        strict=True,
    ):
        remote = bool(flags & Flag.REMOTE)
        yield can.Message(
            timestamp=time_us / 1e6,
            arbitration_id=identifier,
            is_extended_id=bool(flags & Flag.EXTENDED),
            is_remote_frame=remote,
            is_error_frame=bool(flags & Flag.ERROR),
            is_rx=not flags & Flag.SENT,
            dlc=length,
            data=None if remote else data.to_bytes(8, "little")[:length],
            channel=names[channel],
        )
