"""The energy log (libtinybms_pure.so) on a flash whose power can be cut at any moment."""

import ctypes as c
from pathlib import Path

from pure.nor_flash import READ, FlashModel

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


class EnergyLog:
    """The real log, opened on a flash."""

    def __init__(self, library: Path, flash: FlashModel) -> None:
        """Open it."""
        self._lib = _library(library)
        self._state = c.create_string_buffer(c.c_size_t.in_dll(self._lib, "tinybms_pure_size_of_energy_log").value)
        self._functions = FlashFunctions(
            None,
            READ(lambda _, offset, data, length: flash.read_to(offset, data, length)),
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


def _library(path: Path) -> c.CDLL:
    lib = c.CDLL(str(path))
    lib.energy_log_open.restype = lib.energy_log_save.restype = c.c_bool
    size = c.c_size_t.in_dll(lib, "tinybms_pure_size_of_energy_totals").value
    if size != c.sizeof(Totals):
        raise RuntimeError(f"energy_totals_t has {size} bytes, the mirror of it {c.sizeof(Totals)}")
    return lib
