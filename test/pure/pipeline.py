"""battery_pipeline of the C code, fed with registers by a test."""

import ctypes as c
from collections.abc import Mapping
from typing import cast

from pure.pure_library import Pure
from tinybms_gateway.pure import ALARM_CHANGES_MAX, AlarmChange, Snapshot, State


class Kept(c.Structure):
    """battery_pipeline_kept_t."""

    _fields_ = (
        ("energy", c.c_void_p),
        ("sensors_seen", c.c_uint8),
        ("settings_lost", c.c_bool),
        ("limits", c.c_void_p),
        ("limits_age_ms", c.c_int32),
    )


class Pipeline:
    """battery_pipeline_t with its state."""

    def __init__(self, pure: Pure, settings: Mapping[str, int], kept: Kept | None = None) -> None:
        """Begin with factory values but for these settings, by their keys, and with what was kept."""
        self._pure = pure
        self._lib = pure.lib
        self._step = pure.lib.battery_pipeline_step
        self._step.restype = c.c_size_t
        self._step.argtypes = (c.c_void_p, c.c_void_p, c.c_int64, c.c_void_p, c.c_void_p)
        chosen = pure.settings()
        for key, number in settings.items():
            chosen.set(key, number)
        self._pipeline = c.create_string_buffer(pure.size_of("pipeline"))
        self._changes = (AlarmChange * ALARM_CHANGES_MAX)()
        self.state = State()
        pure.lib.battery_pipeline_init(self._pipeline, c.byref(chosen.config()), c.byref(kept) if kept else None)

    def configure(self, settings: Mapping[str, int], lost: bool = False) -> None:
        """Factory values but for these settings, while it runs."""
        chosen = self._pure.settings()
        for key, number in settings.items():
            chosen.set(key, number)
        self._pure.lib.battery_pipeline_configure(self._pipeline, c.byref(chosen.config()), c.c_bool(lost))

    def step(self, snapshot: Snapshot | None, now_ms: int) -> list[tuple[int, ...]]:
        """The state that holds then is in `state`; returns the changes of the alarms."""
        given = c.byref(snapshot) if snapshot else None
        count = self._step(self._pipeline, given, now_ms, c.byref(self.state), self._changes)
        return [cast("tuple[int, ...]", values_of(change)) for change in self._changes[:count]]

    def sensors_seen(self) -> int:
        """To be kept over a restart: one bit each."""
        seen: int = self._lib.battery_pipeline_sensors_seen(self._pipeline)
        return seen

    def saved(self) -> tuple[bytes, bytes]:
        """All that it knows, for `restore`."""
        return bytes(self._pipeline), bytes(self.state)

    def restore(self, saved: tuple[bytes, bytes]) -> None:
        """Be as it was then."""
        pipeline, state = saved
        c.memmove(self._pipeline, pipeline, len(pipeline))
        c.memmove(c.byref(self.state), state, len(state))


def values_of(thing: object) -> object:
    """A C value without the bytes between its fields."""
    if isinstance(thing, c.Structure):
        return tuple(values_of(getattr(thing, name)) for name, *_ in thing._fields_)
    if isinstance(thing, c.Array):
        return tuple(values_of(item) for item in thing)
    return thing
