"""The bus load that frames cause."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

STUFFED_STANDARD, STUFFED_EXTENDED = 34, 54
"""Bits before the data, and of the CRC, that may be stuffed; with identifiers of 11 and of 29 bits."""
UNSTUFFED = 13
"""CRC delimiter, acknowledge, end of frame and the gap before the next frame."""


def most_bits(length: ArrayLike, *, extended: ArrayLike, remote: ArrayLike) -> NDArray[Any]:
    """Bits of frames on the wire, with the gap after them and the most stuff bits possible; FD as classic.

    Source: ISO 11898-1: from the start bit to the CRC a bit is stuffed in after five equal ones.

    Args:
        length: data bytes
        extended: has 29 bits
        remote: is a remote frame
    """
    payload = np.where(remote, 0, np.minimum(length, 8)).astype(np.int64)
    stuffed = np.where(extended, STUFFED_EXTENDED, STUFFED_STANDARD) + 8 * payload
    return stuffed + UNSTUFFED + (stuffed - 1) // 4
