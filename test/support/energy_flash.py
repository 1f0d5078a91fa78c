"""The energy log (libtinybms_pure.so) on a model of NOR flash whose power can be cut at any moment."""

import ctypes as c
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 4096
SIZE = 2 * SECTOR
PAGE = 256

READ = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint32, c.c_void_p, c.c_uint32)
WRITE = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint32, c.c_void_p, c.c_uint32)
ERASE = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint32)


class Totals(c.Structure):
    """energy_totals_t."""

    _fields_ = (
        *((name, c.c_int64) for name in ("in_mwh", "out_mwh", "in_mah", "out_mah")),
        *((name, c.c_uint32) for name in ("full_count", "metered_min", "full_at_min")),
    )


class FlashFunctions(c.Structure):
    """energy_flash_t."""

    _fields_ = (("context", c.c_void_p), ("read", READ), ("write", WRITE), ("erase", ERASE))


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


class EnergyLog:
    """The real log, opened on a flash."""

    def __init__(self, library: Path, flash: FlashModel) -> None:
        """Open it."""
        self._lib = _library(library)
        self._state = c.create_string_buffer(c.c_size_t.in_dll(self._lib, "tinybms_pure_size_of_energy_log").value)
        self._functions = FlashFunctions(
            None,
            READ(lambda _, offset, data, length: _copy(flash.read(offset, length), data)),
            WRITE(lambda _, offset, data, length: flash.write(offset, c.string_at(data, length))),
            ERASE(lambda _, offset: flash.erase(offset)),
        )
        totals = Totals()
        found = self._lib.energy_log_open(self._state, c.byref(self._functions), c.byref(totals))
        self.totals = totals if found else None
        """As found when it was opened."""

    def save(self, totals: Totals) -> bool:
        """Save; tells what the log says."""
        return bool(self._lib.energy_log_save(self._state, c.byref(totals)))


def _copy(content: bytes | None, to: int) -> bool:
    if content is not None:
        c.memmove(to, content, len(content))
    return content is not None


def _library(path: Path) -> c.CDLL:
    lib = c.CDLL(str(path))
    lib.energy_log_open.restype = lib.energy_log_save.restype = c.c_bool
    size = c.c_size_t.in_dll(lib, "tinybms_pure_size_of_energy_totals").value
    if size != c.sizeof(Totals):
        raise RuntimeError(f"energy_totals_t has {size} bytes, the mirror of it {c.sizeof(Totals)}")
    return lib
