"""What the readers of all formats build their blocks with."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.reader.error import not_readable

MOST_CHANNELS = 256
_COLUMNS = tuple(column.name for column in fields(FrameBlock) if column.name != "first")


@dataclass
class Channels:
    """Numbers the channels of a capture in the order of their first frame."""

    path: Path
    names: list[str] = field(default_factory=list)

    def number(self, name: str) -> int:
        """The number of a channel.

        Raises:
            CaptureError: there are more of them than a block can tell apart.
        """
        if name not in self.names:
            if len(self.names) == MOST_CHANNELS:
                raise not_readable(self.path, f"more than {MOST_CHANNELS} channels")
            self.names.append(name)
        return self.names.index(name)

    def numbers(self, keys: NDArray[Any], name_of: Callable[[int], str]) -> NDArray[np.uint8]:
        """The numbers of the channels of frames.

        Args:
            keys: whatever number a format has for the channel, of each frame
            name_of: its name

        Raises:
            CaptureError: there are more of them than a block can tell apart.
        """
        found, first, where = np.unique(keys, return_index=True, return_inverse=True)
        numbers = np.zeros(len(found), np.uint8)
        for place in np.argsort(first).tolist():
            numbers[place] = self.number(name_of(int(found[place])))
        return numbers[where]


def resized(blocks: Iterable[FrameBlock], size: int) -> Iterator[FrameBlock]:
    """The same frames in blocks of a size (the last one: at most), numbered through.

    When `blocks` fails, the frames before are handed out first.
    """
    kept: list[FrameBlock] = []
    first = count = 0
    failure: Exception | None = None
    source = iter(blocks)
    while failure is None:
        try:
            block = next(source)
        except StopIteration:
            break
        except Exception as error:
            failure = error
            break
        kept.append(block)
        count += len(block)
        while count >= size:
            whole = joined(kept)
            yield replace(_part(whole, 0, size), first=first)
            first, count = first + size, count - size
            kept = [_part(whole, size, len(whole))] if count else []
    if count:
        yield replace(joined(kept), first=first)
    if failure is not None:
        raise failure


def joined(blocks: list[FrameBlock]) -> FrameBlock:
    """Several blocks as one."""
    if len(blocks) == 1:
        return blocks[0]
    return FrameBlock(0, *(np.concatenate([getattr(block, name) for block in blocks]) for name in _COLUMNS))


def _part(block: FrameBlock, start: int, stop: int) -> FrameBlock:
    return FrameBlock(0, *(getattr(block, name)[start:stop] for name in _COLUMNS))
