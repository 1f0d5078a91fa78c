"""NOR flash of two sectors whose power can be cut at any moment, between operations and within one."""

import ctypes as c
import random
from collections.abc import Callable
from dataclasses import dataclass, field

SECTOR = 4096
SIZE = 2 * SECTOR
PAGE = 256

READ = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint32, c.c_void_p, c.c_uint32)
"""What C code calls to read."""

Area = tuple[int, int]
"""First and last + 1 byte that an operation may touch."""
Spoil = Callable[[bytes, bytes], bytes]
"""What a cut leaves of a page or sector, by its content before the operation and the one it should have got."""


@dataclass
class FlashModel:
    """8 kB of NOR flash: bits only clear, an erase sets a sector. `cut` ends the power within an operation."""

    content: bytearray = field(default_factory=lambda: bytearray(b"\xff" * SIZE))
    operations: int = 0
    """Writes and erases so far."""
    erases: list[int] = field(default_factory=lambda: [0, 0])
    cut_at: int | None = None
    """The operation, counted from 1, in which the power goes; then nothing works any more."""
    spoil: Spoil | None = None
    """What that leaves; None = the operation was complete, but the program did not learn it."""
    fail_at: frozenset[int] = frozenset()
    """Operations that spoil their page or sector, and report it, with the power staying on."""
    off: bool = False

    def read(self, offset: int, length: int) -> bytes | None:
        """None: the power is off."""
        assert 0 <= offset <= offset + length <= SIZE
        return None if self.off else bytes(self.content[offset : offset + length])

    def read_to(self, offset: int, to: int, length: int) -> bool:
        """As C code reads: into its memory."""
        content = self.read(offset, length)
        if content is not None:
            c.memmove(to, content, length)
        return content is not None

    def write(self, offset: int, data: bytes) -> bool:
        """Clear bits; within one page."""
        first, last = offset // PAGE * PAGE, (offset + len(data) - 1) // PAGE * PAGE + PAGE
        assert last - first == PAGE, "a record must not cross a page"
        page = self.content[first:last]
        after = bytearray(page)
        for i, byte in enumerate(data, offset - first):
            after[i] &= byte
        return self._do((first, last), bytes(after))

    def erase(self, offset: int) -> bool:
        """Set a sector to 0xFF."""
        assert offset in (0, SECTOR)
        done = self._do((offset, offset + SECTOR), b"\xff" * SECTOR)
        self.erases[offset // SECTOR] += 1
        return done

    def _do(self, area: Area, after: bytes) -> bool:
        if self.off:
            return False
        self.operations += 1
        before = bytes(self.content[slice(*area)])
        if self.operations == self.cut_at:
            self.off = True
            after = after if self.spoil is None else self.spoil(before, after)
        elif self.operations in self.fail_at:
            assert self.spoil is not None
            self.content[slice(*area)] = self.spoil(before, after)
            return False
        self.content[slice(*area)] = after
        return not self.off

    def power_up(self) -> None:
        """The power is back."""
        self.off, self.cut_at, self.spoil = False, None, None


def spoils(rng: random.Random) -> dict[str, Spoil]:
    """What a page or sector may hold after a cut within an operation."""

    def some_bits(before: bytes, after: bytes) -> bytes:
        done = rng.getrandbits(8 * len(before))
        old, new = int.from_bytes(before, "little"), int.from_bytes(after, "little")
        return (old & ~done | new & done).to_bytes(len(before), "little")

    def beginning(before: bytes, after: bytes) -> bytes:
        changed = [i for i, (x, y) in enumerate(zip(before, after, strict=True)) if x != y] or [0]
        end = rng.choice(changed)
        return after[:end] + before[end:]

    return {
        "random bits": lambda before, _: rng.randbytes(len(before)),
        "some bits done": some_bits,
        "beginning done": beginning,
        "nothing done": lambda before, _: before,
        "all set": lambda before, _: b"\xff" * len(before),
        "all clear": lambda before, _: bytes(len(before)),
    }
