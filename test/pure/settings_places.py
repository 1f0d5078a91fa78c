"""What keeps the settings (libtinybms_pure.so) on two places whose power can be cut at any moment.

The first place stands for two blobs of NVS, which ESP-IDF replaces as a whole; but a cut may leave neither the old one
nor the new one of the key that is being written.
The second place is flash, written page by page.
"""

import ctypes as c
from dataclasses import dataclass, field
from pathlib import Path

from pure.nor_flash import PAGE, READ, FlashModel

NOTHING, RECORD = 0, 1

LOAD = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_uint, c.c_void_p, c.POINTER(c.c_size_t))
STORE = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint, c.c_void_p, c.c_size_t)
REPLACE = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_uint32, c.c_void_p, c.c_uint32)


class _Functions(c.Structure):
    """settings_places_t."""

    _fields_ = (("context", c.c_void_p), ("load", LOAD), ("store", STORE), ("read", READ), ("replace", REPLACE))


class _Found(c.Structure):
    """settings_found_t."""

    _fields_ = (
        ("first", c.c_int),
        ("second", c.c_int),
        *((name, c.c_bool) for name in ("from_second", "lost", "heal_first", "heal_second")),
    )


Blob = bytes | None


@dataclass
class Places:
    """Two blobs and two sectors under one power. `flash.cut_at` counts the operations of both."""

    flash: FlashModel = field(default_factory=FlashModel)
    blobs: list[Blob] = field(default_factory=lambda: [None, None])
    blob_after: str = "old"
    """What a blob is that the power is cut in: "old", "new", or "gone", as NVS may leave it."""

    def copy(self) -> "Places":
        """As they are now."""
        return Places(FlashModel(bytearray(self.flash.content)), list(self.blobs))

    def load(self, half: int, to: int, length: "c._Pointer[c.c_size_t]") -> int:
        """settings_places_t.load."""
        blob = self.blobs[half]
        if blob is None:
            return NOTHING
        c.memmove(to, blob, len(blob))
        length[0] = len(blob)
        return RECORD

    def store(self, half: int, blob: bytes) -> bool:
        """settings_places_t.store."""
        if self.flash.off:
            return False
        self.flash.operations += 1
        self.flash.off = self.flash.operations == self.flash.cut_at
        if not self.flash.off or self.blob_after == "new":
            self.blobs[half] = blob
        elif self.blob_after == "gone":
            self.blobs[half] = None
        return not self.flash.off

    def replace(self, offset: int, data: bytes) -> bool:
        """settings_places_t.replace."""
        done = self.flash.erase(offset)
        for at in range(0, len(data), PAGE):
            done = done and self.flash.write(offset + at, data[at : at + PAGE])
        return done


class Settings:
    """A start on the places; it makes them alike, as the firmware does."""

    def __init__(self, path: Path, places: Places) -> None:
        """Open them."""
        self._lib = c.CDLL(str(path))
        self._lib.settings_keep_open.restype = _Found
        self._lib.settings_keep_heal.restype = self._lib.tinybms_pure_saved_unconfirmed.restype = c.c_bool
        self._saved, self._keep, self._room = (
            c.create_string_buffer(c.c_size_t.in_dll(self._lib, f"tinybms_pure_size_of_settings_{name}").value)
            for name in ("saved", "keep", "room")
        )
        self._functions = _Functions(
            None,
            LOAD(lambda _, half, to, length: places.load(half, to, length)),
            STORE(lambda _, half, data, length: places.store(half, c.string_at(data, length))),
            READ(lambda _, offset, to, length: places.flash.read_to(offset, to, length)),
            REPLACE(lambda _, offset, data, length: places.replace(offset, c.string_at(data, length))),
        )
        found = self._lib.settings_keep_open(self._keep, c.byref(self._functions), self._saved, self._room)
        self.healed = self._lib.settings_keep_heal(self._keep, c.byref(found), self._saved, self._room)

    def numbers(self, keys: list[str]) -> dict[str, int]:
        """What is saved."""
        return {key: self._lib.tinybms_pure_saved_number(self._saved, key.encode()) for key in keys}

    @property
    def restricted(self) -> bool:
        """Whether the gateway holds the battery down until a person confirms."""
        return bool(self._lib.tinybms_pure_saved_unconfirmed(self._saved))

    def save(self, numbers: dict[str, int]) -> bool:
        """Save a set; whether it is saved in both places."""
        for key, number in numbers.items():
            self._lib.tinybms_pure_saved_set(self._saved, key.encode(), number)
        return bool(self._lib.settings_keep_save(self._keep, self._saved, c.c_bool(False), self._room) == 0)
