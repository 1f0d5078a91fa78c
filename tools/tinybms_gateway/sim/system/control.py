"""The gateway's C code in the loop: snapshot in, frame 0x351 out, by way of libtinybms_pure.so."""

import ctypes as c
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinybms_gateway.pure import ALARM_CHANGES_MAX, AlarmChange, Frame, Identity, PureLibrary, Snapshot, State
from tinybms_gateway.sim.bms.device import SERIAL, VERSION
from tinybms_gateway.sim.system.bms import SystemBms
from tinybms_gateway.sim.system.plant import Limits

START_S = 10
"""Age of the gateway at second 0 of a run."""


class Alarm(NamedTuple):
    """A change of an alarm or a warning."""

    second: int
    text: str
    warning: bool
    active: bool


class Control:
    """One gateway without its lines, from its start-up."""

    def __init__(self, library: Path, bms: SystemBms, settings: tuple[str, ...] = ()) -> None:
        """Start it.

        Args:
            library: libtinybms_pure.so
            bms: whose registers it reads
            settings: each as ``KEY=VALUE``

        Raises:
            OSError: no such library.
            ValueError: it does not match this package, or a setting is refused.
        """
        self.pure = PureLibrary(library)
        self.state = State()
        self.alarms: list[Alarm] = []
        lib = self.pure.lib
        self._bms = bms
        self._snapshot = Snapshot(settings_known=True, version_known=True, events_known=True)
        self._live = np.ctypeslib.as_array(self._snapshot.live)
        for address, value in bms.settings.items():
            self._snapshot.settings[address - 300] = value
        for address, value in (VERSION | SERIAL).items():
            self._snapshot.version[address - 500] = value
        self._pipeline = c.create_string_buffer(self.pure.size_of("pipeline"))
        config = self._config(settings)
        lib.battery_pipeline_init(self._pipeline, c.byref(config), None)
        self._changes = (AlarmChange * ALARM_CHANGES_MAX)()
        self._frame, self._identity = Frame(), Identity(b"TinyBMS", b"TinyBMS", b"TinyBMS")
        lib.battery_pipeline_step.restype = c.c_size_t
        lib.battery_pipeline_step.argtypes = (c.c_void_p, c.c_void_p, c.c_int64, c.c_void_p, c.c_void_p)
        lib.victron_pgn_encode_351.restype = c.c_bool
        lib.victron_pgn_encode_351.argtypes = (c.c_void_p, c.c_void_p, c.c_void_p)
        self._step, self._encode = lib.battery_pipeline_step, lib.victron_pgn_encode_351
        self._step_arguments = tuple(
            c.addressof(x) for x in (self._pipeline, self._snapshot, self.state, self._changes)
        )
        self._encode_arguments = tuple(c.addressof(x) for x in (self.state, self._identity, self._frame))

    def _config(self, assignments: tuple[str, ...]) -> "c.Array[c.c_char]":
        settings = self.pure.settings()
        for assignment in assignments:
            key, _, value = assignment.partition("=")
            try:
                number = int(value)
            except ValueError:
                raise ValueError(f"'{assignment}': give KEY=NUMBER") from None
            settings.set(key, number)
        return settings.config()

    def step(self, second: int) -> Limits | None:
        """A new snapshot of the BMS; returns the limits as the bus carries them, None: nothing is sent."""
        snapshot, now_ms = self._snapshot, (second + START_S) * 1000
        snapshot.taken_ms = now_ms
        snapshot.sequence += 1
        faults = self._bms.fault_events
        snapshot.fault_count = len(faults)
        snapshot.faults[: len(faults)] = faults
        self._live[:] = self._bms.live
        pipeline, taken, state, changes = self._step_arguments
        for i in range(self._step(pipeline, taken, now_ms, state, changes)):
            change = self._changes[i]
            self.alarms.append(Alarm(second, self.pure.alarm_text(change.id), change.warning, change.active))
        if not self._encode(*self._encode_arguments):
            return None
        return decode_limits(bytes(self._frame.data))

    @property
    def reasons(self) -> tuple[int, int, int]:
        """Of CVL, CCL and DCL."""
        state = self.state
        return state.cvl_mv.reason, state.ccl_ma.reason, state.dcl_ma.reason


def decode_limits(data: bytes) -> Limits:
    """What a GX reads in a frame 0x351."""
    cvl, ccl, dcl = struct.unpack_from("<Hhh", data)
    return Limits(cvl / 10, ccl / 10, dcl / 10)
